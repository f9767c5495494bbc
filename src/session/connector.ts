import type { Bytes } from "../core/bytes.ts";
import type { ResumeRequest } from "../core/connection/connection-options.ts";
import { type ErrorName, TransportError, WireError } from "../core/errors.ts";
import type { SessionEvent } from "../core/events.ts";
import type { Mux } from "../core/streams/mux.ts";
import type { Hello } from "../core/wire/hello.ts";
import { type BackoffOptions, backoffMs, resolveBackoff } from "./backoff.ts";
import { boundedAttempt } from "./bounded-attempt.ts";
import type { ConnectOptions } from "./connect.ts";
import {
  asWireError,
  type Dialed,
  type Greeting,
  type Route,
  resolveToken,
  untilAborted,
} from "./dialing.ts";
import type { ResumeOutcome } from "./events.ts";
import { handshake } from "./handshake.ts";
import type { Link, LinkOptions } from "./link.ts";
import { type Home, Mover, type Ticket } from "./mover.ts";
import type { ResolvedOptions } from "./options.ts";
import { Session } from "./session.ts";
import { whenAborted } from "./when-aborted.ts";

/** Calls `retry` when the outside world suggests that connecting may work now. @returns what stops that. */
export type Wakeups = (retry: () => void) => () => void;

/** The default of {@link ConnectOptions.resumeMs}. */
export const DEFAULT_RESUME_MS = 60_000;

/** How often a connection that should be left is looked at: whether its last stream has ended, ms. */
const LEAVE_CHECK_MS = 50;

/** Errors after which another attempt would end the same way. */
const FINAL: ReadonlySet<ErrorName> = new Set([
  "ERR_AUTH",
  "ERR_VERSION",
  "ERR_PROTOCOL",
  "ERR_TAKEOVER",
  "ERR_CODEC",
]);

/**
 * Keeps a client's session connected: dials again after a loss, carries the session on where the server still knows
 * it, and follows a server that goes away to the next one. See {@link Mover} for moves without a loss.
 */
export class Connector implements Home {
  readonly session: Session;
  /** What a move needs, too: see {@link Home}. */
  readonly route: Route;
  readonly options: ConnectOptions;
  readonly resolved: ResolvedOptions;
  readonly #wakeups: Wakeups | undefined;
  readonly backoff: BackoffOptions | undefined;
  readonly #resumeMs: number;
  /** What the session is carried on with; nothing where the server does not keep it. */
  ticket: Ticket | undefined;
  #expiry: unknown;
  /** Why the session had to start over, when it had to; told when it is open again. */
  #fresh: ResumeOutcome | undefined;
  #wasOpen = false;
  #failures = 0;
  /** Attempts to carry the session on, for as long as its server keeps it. */
  #attempts = 0;
  #pursuing = false;
  /** The connection that is left when its last stream has ended. */
  leaving: Link | undefined;
  #wake: (() => void) | undefined;
  readonly #mover: Mover;

  /** @throws {RangeError} when an option is not one that can be used. */
  constructor(
    route: Route,
    options: ConnectOptions,
    resolved: ResolvedOptions,
    wakeups: Wakeups | undefined,
  ) {
    const { reconnect = true, resumeMs = DEFAULT_RESUME_MS } = options;
    this.backoff = reconnect === false ? undefined : resolveBackoff(reconnect === true ? {} : reconnect);
    if (!Number.isInteger(resumeMs) || resumeMs < 0 || resumeMs > 86_400_000)
      throw new RangeError(
        `Cannot use resumeMs ${resumeMs}: must be a whole number from 0 to a day in milliseconds`,
      );
    this.#resumeMs = this.backoff === undefined ? 0 : resumeMs;
    this.session = new Session("client", resolved);
    this.#mover = new Mover(this);
    this.session.migrator = (transport) =>
      this.#mover.migrate({ transport, index: this.#mover.dialed, dialMs: undefined });
    this.route = route;
    this.options = options;
    this.resolved = resolved;
    this.#wakeups = wakeups;
  }

  /** Connect for the first time. @throws what ends the attempt. */
  async first(): Promise<void> {
    const { signal } = this.options;
    const { session } = this;
    try {
      await this.#attempt();
    } catch (error) {
      const failure = asWireError(error);
      session.end(failure);
      throw signal?.aborted ? signal.reason : failure;
    }
    if (signal?.aborted) {
      void session.close();
      throw signal.reason;
    }
    const stopWaiting = signal === undefined ? undefined : whenAborted(signal, () => void session.close());
    const stop = this.#wakeups?.(() => this.#wokenUp());
    void session.closed.then(() => {
      stop?.();
      stopWaiting?.();
      this.#stopExpiry();
      this.#mover.stop();
    });
  }

  /** The network may be another one, or the machine was asleep: look at once. */
  #wokenUp(): void {
    if (this.#wake !== undefined) this.#wake();
    else this.session.link?.connection.probe(this.resolved.clock.now());
  }

  /** Dial, say HELLO and wait for the answer. */
  #attempt(): Promise<void> {
    return boundedAttempt(this, async (signal) => {
      const { auth } = this.options;
      const token = auth === undefined ? undefined : await untilAborted(resolveToken(auth), signal);
      signal.throwIfAborted();
      const greeting: Greeting = {
        exclusive: this.ticket !== undefined,
        clock: this.resolved.clock,
        greet: (dialed, signal, win) => this.#connect(dialed, token, signal, win),
        isFinal: (error) => error instanceof WireError && error.code === "ERR_AUTH",
      };
      await this.route.open(greeting, signal);
    });
  }

  async #connect(
    dialed: Dialed,
    token: Bytes | undefined,
    signal: AbortSignal,
    win: (() => void) | undefined,
  ): Promise<void> {
    let started: Link | undefined;
    try {
      await handshake(dialed, this.resolved, { ...this.common(token), ...this.#carried(win) }, signal, {
        started: (link) => {
          started = link;
          if (this.leaving === undefined && win === undefined) this.session.attach(link);
        },
        opened: (link, { hello, resumed }) => {
          win?.();
          this.#opened(link, hello, resumed, dialed.index);
        },
        event: (link, event) => this.hear(link, event),
      });
    } catch (error) {
      this.noteToken(started);
      throw error;
    }
  }

  /** The streams that a connection carries. In a race of fresh ones, only the winner gets those of the session. */
  #carried(win: (() => void) | undefined): LinkOptions {
    const { ticket, session } = this;
    if (ticket !== undefined) return { resume: this.request(ticket) };
    return win === undefined ? { mux: session.mux } : { claim: () => session.mux };
  }

  /** What a connection asks for that carries the session on. Each one counts as a later attempt. */
  request(ticket: Ticket): ResumeRequest {
    return { ...ticket, attempt: ++this.#attempts, mux: this.session.mux };
  }

  /** What all connections bring. */
  common(token: Bytes | undefined): LinkOptions {
    return { token, resumeMs: this.#resumeMs, watch: this.#resumeMs > 0 };
  }

  #opened(link: Link, hello: Hello, resumed: boolean, index: number): void {
    const { session } = this;
    if (this.ticket !== undefined && !resumed) {
      const reason = hello.resumeToken === undefined ? "not offered" : "unknown";
      const text = "Peer does not know the session any more";
      this.#giveUp("ERR_SESSION_UNKNOWN", text, { resumed: false, reason }, link.connection.mux);
    }
    const again: ResumeOutcome = resumed
      ? { resumed: true, reason: "resumed" }
      : (this.#fresh ?? { resumed: false, reason: "not offered" });
    const outcome = this.#wasOpen ? again : undefined;
    if (!resumed) this.#attempts = 0;
    if (session.link !== link) session.attach(link);
    this.#fresh = undefined;
    this.#pursuing = false;
    this.#wasOpen = true;
    this.keep(hello, index);
    session.opened(outcome);
  }

  /** A connection is open: note what carries the session on after its loss. */
  keep({ resumeMs = 0, resumeToken, sessionId }: Hello, index: number): void {
    this.#failures = 0;
    this.#stopExpiry();
    const keepMs = Math.min(resumeMs, this.#resumeMs);
    const kept = resumeToken !== undefined && sessionId !== undefined && keepMs > 0;
    this.ticket = kept ? { resumeToken, sessionId, resumeMs: keepMs } : undefined;
    this.#mover.opened(index);
  }

  /** The streams of the session cannot be carried on. */
  #giveUp(code: ErrorName, message: string, outcome: ResumeOutcome, next?: Mux): void {
    this.ticket = undefined;
    this.#stopExpiry();
    this.#fresh = outcome;
    this.session.startOver(new WireError(code, message), 0, next);
  }

  /** An attempt has failed, but the server may count the token as used that it has answered. */
  noteToken(link: Link | undefined): void {
    const { resumed, resumeToken } = link?.connection.peer ?? {};
    if (resumed === true && resumeToken !== undefined && this.ticket !== undefined)
      this.ticket = { ...this.ticket, resumeToken };
  }

  /** An event of a connection, whether it is the current one or not. */
  hear(link: Link, event: SessionEvent): void {
    const { session } = this;
    if (event.kind === "closed") this.#closed(link, event.error, event.resumable);
    else {
      session.notify(event);
      if (event.kind === "goaway") this.#goAway(link, event.delayMs);
      else if (event.kind === "stalled" && link === session.link) void this.#mover.escape(link);
    }
  }

  #closed(link: Link, error: WireError | undefined, resumable: boolean): void {
    const { session } = this;
    if (session.state === "closed") return;
    if (link === this.leaving) this.#left(link, error, resumable);
    else if (link !== session.link) return;
    else if (error === undefined || this.backoff === undefined) session.end(error);
    else if (this.#mover.moving && resumable) {
      // That the server lets go of it here is the move itself: what follows from it is not decided yet.
      if (error.code !== "ERR_TAKEOVER") session.lost(error, 0);
    } else if (FINAL.has(error.code)) session.end(error);
    else this.lost(error, resumable);
  }

  /** The connection was lost: wait for the next one with the streams, where they can be carried on. */
  lost(error: WireError, resumable: boolean): void {
    const { session } = this;
    const delay = this.#nextDelay();
    const ticket = resumable ? this.ticket : undefined;
    if (ticket === undefined) {
      this.ticket = undefined;
      this.#fresh = { resumed: false, reason: "not offered" };
      session.startOver(error, delay);
    } else {
      session.lost(error, delay);
      this.#startExpiry(ticket.resumeMs);
    }
    void this.#pursue(delay);
  }

  #startExpiry(ms: number): void {
    this.#stopExpiry();
    this.#expiry = this.resolved.clock.schedule(() => {
      const link = this.session.link;
      const text = `Session could not be carried on in ${ms} ms`;
      this.#giveUp("ERR_SESSION_EXPIRED", text, { resumed: false, reason: "expired" });
      link?.abandon(new TransportError("The session it carried on is over"));
    }, ms);
  }

  #stopExpiry(): void {
    this.resolved.clock.cancel(this.#expiry);
  }

  #nextDelay(): number {
    return backoffMs(this.#failures++, Math.random(), this.backoff);
  }

  /** Connect until it works, or must not go on. Does nothing while that is under way. */
  async #pursue(firstDelay: number): Promise<void> {
    if (this.#pursuing) return;
    this.#pursuing = true;
    const { session } = this;
    for (let delay = firstDelay; ; ) {
      await this.sleep(delay);
      if (this.isClosed) return;
      const state = this.ticket === undefined ? "connecting" : "resuming";
      if (session.state !== "open") session.setState(state, undefined, 0);
      try {
        await this.#attempt();
        return;
      } catch (failure) {
        if (this.isClosed) return;
        const error = asWireError(failure);
        if (FINAL.has(error.code) || this.#failures >= (this.backoff?.maxAttempts ?? 0)) {
          session.end(error);
          return;
        }
        delay = this.#failed(error);
      }
    }
  }

  /** Whether the session was closed, which can happen in any pause. */
  get isClosed(): boolean {
    return this.session.state === "closed";
  }

  /** An attempt has failed. @returns how long to wait before the next one, ms. */
  #failed(error: WireError): number {
    const { session } = this;
    const delay = error.code === "ERR_SESSION_EXPIRED" ? 0 : this.#nextDelay();
    if (this.ticket !== undefined && session.mux.over) {
      this.#giveUp(error.code, error.message, { resumed: false, reason: "too much lost" });
      return delay;
    }
    if (this.leaving !== undefined) {
      if (session.mux.over) session.leave();
    } else if (this.ticket !== undefined) session.lost(error, delay);
    else if (session.mux.over) session.startOver(error, delay);
    else session.disconnected(error, delay);
    return delay;
  }

  /** Resolves after `ms`, when the outside world says so, or when the session is closed. */
  sleep(ms: number): Promise<void> {
    const { clock } = this.resolved;
    return new Promise((resolve) => {
      const wake = () => {
        this.#wake = undefined;
        clock.cancel(timer);
        stop();
        resolve();
      };
      const timer = clock.schedule(wake, ms);
      const stop = this.session.onEnd(wake);
      this.#wake = wake;
    });
  }

  /** The peer takes no new streams: they wait for the next server, while those that are open end here. */
  #goAway(link: Link, delayMs: number): void {
    if (link !== this.session.link || this.leaving !== undefined) return;
    this.#leaveWhenQuiet(link);
    if (this.backoff === undefined) return;
    this.leaving = link;
    this.ticket = undefined;
    this.#fresh = { resumed: false, reason: "going away" };
    this.session.leave();
    void this.#pursue(delayMs + this.#nextDelay());
  }

  #leaveWhenQuiet(link: Link): void {
    const { connection } = link;
    if (connection.state !== "open") return;
    if (connection.mux.table.size === 0) connection.close();
    else this.resolved.clock.schedule(() => this.#leaveWhenQuiet(link), LEAVE_CHECK_MS);
  }

  /** The connection to the server that went away is over. */
  #left(link: Link, error: WireError | undefined, resumable: boolean): void {
    const { session } = this;
    this.leaving = undefined;
    const reason = error ?? new WireError("ERR_GOING_AWAY", "The peer is going away");
    if (resumable) session.failStreams(link.connection.mux, reason);
    if (session.link === link) session.disconnected(reason, 0);
  }
}
