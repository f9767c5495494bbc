import { type Bytes, EMPTY } from "../core/bytes.ts";
import { WireError } from "../core/errors.ts";
import {
  DEFAULT_RESUME_LIMITS,
  MOST_RESUME_LIMITS,
  type ResumeCounters,
  type ResumeLimits,
  ResumeRegistry,
} from "../core/resume/resume-registry.ts";
import { type Clock, SYSTEM_CLOCK } from "../transports/drive.ts";
import { identityOf } from "./identity.ts";
import type { Session } from "./session.ts";

/** How a server keeps the sessions of clients that have lost their connection. */
export interface SessionStoreOptions extends Partial<ResumeLimits> {
  /**
   * A text that is the same for the same principal: who comes back must be who was let in first. By default, a
   * principal that is an object counts as the same when its JSON is; nobody can come back as one without JSON. An empty
   * text, or none, stands for all clients where they are not told apart.
   */
  readonly identify?: (principal: unknown) => string | undefined;
  /** SHA-256 of a token. Default: WebCrypto. */
  readonly digest?: (token: Bytes) => Bytes | Promise<Bytes>;
  /** Time and timers; a simulation brings its own. */
  readonly clock?: Clock;
}

/** Figures of a store at one moment, and totals. */
export interface SessionStoreStats extends Readonly<ResumeCounters> {
  /** Sessions that clients can carry on; those of them without a connection, and the bytes that these hold. */
  readonly sessions: number;
  readonly detached: number;
  readonly detachedBytes: number;
}

/** A token for a client, and what the server keeps of it. */
export interface IssuedToken {
  readonly token: Bytes;
  readonly digest: Bytes;
}

/** What a client shows to carry a session on. */
export interface ClaimRequest {
  readonly sessionId: Bytes;
  /** Digest of the token that it has shown. */
  readonly shown: Bytes;
  readonly principal: unknown;
  /** Which of its attempts this is, where it says so. */
  readonly attempt: number | undefined;
  /** What it gets for the next time. */
  readonly issued: IssuedToken;
}

const TOKEN_BYTES = 32;

/** How often sessions without a connection are looked at: their applications can go on to send, ms. */
const LOOK_EVERY_MS = 1_000;

/**
 * The sessions that clients can carry on after a loss. Give the same store to every {@link accept} of a process:
 * a client may come back by another listener or transport.
 */
export class SessionStore {
  readonly #registry: ResumeRegistry<Session>;
  readonly #identify: (principal: unknown) => string | undefined;
  readonly #digest: (token: Bytes) => Bytes | Promise<Bytes>;
  readonly #clock: Clock;
  #timer: unknown;

  /** @throws {RangeError} when a limit is not a whole number inside its bounds. */
  constructor(options: SessionStoreOptions = {}) {
    this.#registry = new ResumeRegistry(resolveResumeLimits(options), (session, why) =>
      session.end(new WireError("ERR_SESSION_EXPIRED", `Session was ${why} while its connection was lost`)),
    );
    this.#identify = options.identify ?? identify;
    this.#digest = options.digest ?? sha256;
    this.#clock = options.clock ?? SYSTEM_CLOCK;
  }

  /** How long a session is kept without a connection, ms. */
  get keepMs(): number {
    return this.#registry.limits.keepMs;
  }

  /** Figures of this moment. */
  stats(): SessionStoreStats {
    const { counters, size, detached, detachedBytes } = this.#registry;
    return { ...counters, sessions: size, detached, detachedBytes };
  }

  /** A fresh token. For those that accept sessions. */
  async issue(): Promise<IssuedToken> {
    const token = crypto.getRandomValues(new Uint8Array(TOKEN_BYTES));
    return { token, digest: await this.#digest(token) };
  }

  /** Digest of a token that a client has shown; empty, which matches nothing, for one of another length. */
  async digestOf(token: Bytes): Promise<Bytes> {
    return token.length === TOKEN_BYTES ? this.#digest(token) : EMPTY;
  }

  /** Know a session from now on. For those that accept sessions. */
  add(session: Session, sessionId: Bytes, issued: IssuedToken): void {
    this.#registry.add(session, sessionId, this.#identify(session.principal) || undefined, issued.digest);
    session.keeper = this;
  }

  /** A session has ended. For the session. */
  remove(session: Session): void {
    this.#registry.remove(session);
    this.#arm();
  }

  /** See {@link ResumeRegistry.claim}. For those that accept sessions. */
  claim(request: ClaimRequest, fits: (session: Session) => boolean): Session | undefined {
    const { attempt, issued, sessionId, shown } = request;
    const principal = this.#identify(request.principal) || undefined;
    return this.#registry.claim({ sessionId, digest: shown, principal, next: issued.digest, attempt }, fits);
  }

  /** See {@link ResumeRegistry.confirm}. */
  confirm(session: Session): void {
    this.#registry.confirm(session);
  }

  /** The connection of a session was lost. @returns false when nobody can carry it on. */
  detach(session: Session): boolean {
    const known = this.#registry.detach(session, this.#clock.now());
    this.#arm();
    return known;
  }

  #arm(): void {
    const { deadline } = this.#registry;
    if (deadline === undefined) {
      if (this.#timer !== undefined) this.#clock.cancel(this.#timer); // it would keep the process running
      this.#timer = undefined;
      return;
    }
    if (this.#timer !== undefined) return;
    const wait = Math.min(LOOK_EVERY_MS, Math.max(0, deadline - this.#clock.now()));
    this.#timer = this.#clock.schedule(() => {
      this.#timer = undefined;
      this.#registry.expire(this.#clock.now());
      this.#arm();
    }, Math.ceil(wait));
  }
}

function resolveResumeLimits(options: Partial<ResumeLimits>): ResumeLimits {
  const limits = { ...DEFAULT_RESUME_LIMITS };
  for (const name of Object.keys(limits) as (keyof ResumeLimits)[]) {
    const value = options[name] ?? limits[name];
    if (!Number.isInteger(value) || value < 1 || value > MOST_RESUME_LIMITS[name]) {
      const bounds = `a whole number from 1 to ${MOST_RESUME_LIMITS[name]}`;
      throw new RangeError(`Cannot use resume limit ${name} ${String(value)}: must be ${bounds}`);
    }
    Object.assign(limits, { [name]: value });
  }
  return limits;
}

/** A principal that has no text of its own is told by nothing: nobody can come back as it. */
function identify(principal: unknown): string | undefined {
  return identityOf(principal) ?? `unique ${crypto.randomUUID()}`;
}

async function sha256(token: Bytes): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", token));
}
