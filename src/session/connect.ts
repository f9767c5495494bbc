import { type Bytes, encodeText } from "../core/bytes.ts";
import { type ErrorName, TransportError, WireError } from "../core/errors.ts";
import type { SessionEvent } from "../core/events.ts";
import type { Transport } from "../transports/transport.ts";
import { type BackoffOptions, backoffMs, resolveBackoff } from "./backoff.ts";
import { Link } from "./link.ts";
import { type Credentials, type ResolvedOptions, resolveOptions, type SessionOptions } from "./options.ts";
import { Session } from "./session.ts";

/** How a client connects. */
export interface ConnectOptions extends SessionOptions {
  /** What proves who the client is; it travels in the first frame, not in the URL. */
  readonly auth?: Credentials;
  /** Called with the session before it connects: register handlers here, or the peer's first streams find none. */
  readonly onSession?: (session: Session) => void;
  /** Time for one attempt, from dialing to the peer's HELLO, ms. Default 5,000. */
  readonly connectTimeoutMs?: number;
  /** Whether and how to connect again after a loss. Default true. */
  readonly reconnect?: boolean | Partial<BackoffOptions>;
  /** Aborts the attempt to connect, and later closes the session. */
  readonly signal?: AbortSignal;
}

/** Opens a transport to the peer; gives up when `signal` aborts. */
export type Dial = (signal: AbortSignal) => Promise<Transport>;

/** Calls `retry` when the outside world suggests that connecting may work now. @returns what stops that. */
export type Wakeups = (retry: () => void) => () => void;

/** Errors after which another attempt would end the same way. */
const FINAL: ReadonlySet<ErrorName> = new Set([
  "ERR_AUTH",
  "ERR_VERSION",
  "ERR_PROTOCOL",
  "ERR_TAKEOVER",
  "ERR_CODEC",
]);

/** How often a client that should leave looks whether its last stream has ended, ms. */
const LEAVE_CHECK_MS = 50;

/** The default of {@link ConnectOptions.connectTimeoutMs}. */
export const DEFAULT_CONNECT_TIMEOUT_MS = 5_000;

/**
 * Connect over whatever `dial` opens.
 * @returns the session, open.
 * @throws {WireError} when the first attempt fails; the reason of `options.signal` when it aborts. Later losses are
 *   retried.
 */
export async function connectWith(
  dial: Dial,
  options: ConnectOptions = {},
  wakeups?: Wakeups,
): Promise<Session> {
  const connector = new Connector(dial, options, resolveOptions(options), wakeups);
  options.onSession?.(connector.session);
  await connector.first();
  return connector.session;
}

/** Keeps a client's session connected. */
class Connector {
  readonly session: Session;
  readonly #dial: Dial;
  readonly #options: ConnectOptions;
  readonly #resolved: ResolvedOptions;
  readonly #wakeups: Wakeups | undefined;
  readonly #backoff: BackoffOptions | undefined;
  #failures = 0;
  #goAwayMs: number | undefined;
  #opened: (() => void) | undefined;
  #failed: ((error: WireError) => void) | undefined;

  constructor(dial: Dial, options: ConnectOptions, resolved: ResolvedOptions, wakeups: Wakeups | undefined) {
    const { reconnect = true } = options;
    this.session = new Session("client", resolved);
    this.#dial = dial;
    this.#options = options;
    this.#resolved = resolved;
    this.#wakeups = wakeups;
    this.#backoff = reconnect === false ? undefined : resolveBackoff(reconnect === true ? {} : reconnect);
  }

  async first(): Promise<void> {
    const { signal } = this.#options;
    try {
      await this.#attempt();
    } catch (error) {
      const failure = asWireError(error);
      this.session.end(failure);
      throw signal?.aborted ? signal.reason : failure;
    }
    if (signal?.aborted) {
      void this.session.close();
      throw signal.reason;
    }
    signal?.addEventListener("abort", () => void this.session.close(), {
      once: true,
      signal: this.session.signal,
    });
  }

  /** Dial, say HELLO and wait for the answer. */
  async #attempt(): Promise<void> {
    const { signal, connectTimeoutMs = DEFAULT_CONNECT_TIMEOUT_MS } = this.#options;
    const { clock } = this.#resolved;
    const abort = new AbortController();
    const givers = signal === undefined ? [this.session.signal] : [signal, this.session.signal];
    const onAbort = () => abort.abort(givers.find((giver) => giver.aborted)?.reason);
    for (const giver of givers) giver.addEventListener("abort", onAbort);
    if (signal?.aborted) onAbort();
    const timer = clock.schedule(() => {
      abort.abort(
        new TransportError(`Cannot connect: no answer in ${connectTimeoutMs} ms`, { code: "ERR_TIMEOUT" }),
      );
    }, connectTimeoutMs);
    try {
      const token = await untilAborted(resolveToken(this.#options.auth), abort.signal);
      abort.signal.throwIfAborted();
      const transport = await untilAborted(this.#dial(abort.signal), abort.signal, (late) =>
        late.close(1_000, ""),
      );
      await this.#handshake(transport, token, abort.signal);
    } finally {
      clock.cancel(timer);
      for (const giver of givers) giver.removeEventListener("abort", onAbort);
    }
  }

  #handshake(transport: Transport, token: Bytes | undefined, signal: AbortSignal): Promise<void> {
    if (signal.aborted) {
      transport.close(1_000, "");
      return Promise.reject(signal.reason);
    }
    return new Promise((resolve, reject) => {
      const link: Link = new Link("client", transport, this.session.mux, this.#resolved, token, (event) => {
        this.#hear(link, event);
      });
      this.session.attach(link);
      const onAbort = () => link.abandon(asWireError(signal.reason));
      signal.addEventListener("abort", onAbort, { once: true });
      const settle = () => {
        signal.removeEventListener("abort", onAbort);
        this.#opened = this.#failed = undefined;
      };
      this.#opened = () => {
        settle();
        resolve();
      };
      this.#failed = (error) => {
        settle();
        reject(signal.aborted ? signal.reason : error);
      };
    });
  }

  #hear(link: Link, event: SessionEvent): void {
    const { session } = this;
    if (event.kind === "open") {
      this.#failures = 0;
      session.opened();
      this.#opened?.();
    } else if (event.kind === "closed") this.#lost(event.error);
    else if (event.kind === "goaway") this.#goAway(link, event.delayMs);
    else session.notify(event);
  }

  /** The peer takes no new streams: they wait for the next connection, which follows when those that are open end. */
  #goAway(link: Link, delayMs: number): void {
    if (this.#goAwayMs === undefined && this.#backoff !== undefined) this.session.leave();
    this.#goAwayMs = delayMs;
    this.#leave(link);
  }

  #leave(link: Link): void {
    const { connection } = link;
    if (connection.state !== "open") return;
    if (connection.mux.table.size === 0) connection.close();
    else this.#resolved.clock.schedule(() => this.#leave(link), LEAVE_CHECK_MS);
  }

  #lost(error: WireError | undefined): void {
    const { session } = this;
    if (this.#failed !== undefined) {
      // The attempt ends with this error, and who made it decides what follows. Its streams are over.
      const failure = error ?? new TransportError("Connection was closed during the handshake");
      this.#failed(failure);
      return;
    }
    if (session.state === "closed") return;
    const leaving = this.#goAwayMs !== undefined;
    if (
      (error === undefined && !leaving) ||
      this.#backoff === undefined ||
      (error && FINAL.has(error.code))
    ) {
      session.end(error);
      return;
    }
    this.#retry(error ?? new WireError("ERR_GOING_AWAY", "The peer is going away"));
  }

  /** Wait, then try again, until it works or must not go on. */
  #retry(error: WireError): void {
    const backoff = this.#backoff as BackoffOptions;
    const { session } = this;
    if (this.#failures >= backoff.maxAttempts || FINAL.has(error.code)) {
      session.end(error);
      return;
    }
    const delay = (this.#goAwayMs ?? 0) + backoffMs(this.#failures, Math.random(), backoff);
    this.#goAwayMs = undefined;
    this.#failures++;
    session.detached(error, delay);
    this.#sleep(delay, () => {
      if (session.state === "closed") return;
      session.setState("connecting", undefined, 0);
      this.#attempt().catch((failure: unknown) => {
        if (session.state !== "closed") this.#retry(asWireError(failure));
      });
    });
  }

  /** Call `run` once: after `ms`, when the outside world says so, or when the session is closed. */
  #sleep(ms: number, run: () => void): void {
    const { clock } = this.#resolved;
    const stop = new AbortController();
    let stopWakeups: (() => void) | undefined;
    const wake = () => {
      if (stop.signal.aborted) return;
      stop.abort();
      clock.cancel(timer);
      stopWakeups?.();
      run();
    };
    const timer = clock.schedule(wake, ms);
    stopWakeups = this.#wakeups?.(wake);
    this.session.signal.addEventListener("abort", wake, { once: true, signal: stop.signal });
  }
}

async function resolveToken(auth: Credentials | undefined): Promise<Bytes | undefined> {
  const token = typeof auth === "function" ? await auth() : auth;
  return typeof token === "string" ? encodeText(token) : token;
}

/** What `promise` gives, or the reason of `signal`. What comes too late goes to `discard`. */
function untilAborted<T>(promise: Promise<T>, signal: AbortSignal, discard?: (late: T) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    promise.then(
      (value) => {
        signal.removeEventListener("abort", onAbort);
        if (signal.aborted) discard?.(value);
        resolve(value);
      },
      (error: unknown) => {
        signal.removeEventListener("abort", onAbort);
        reject(error);
      },
    );
  });
}

function asWireError(error: unknown): WireError {
  if (error instanceof WireError) return error;
  return new TransportError(`Cannot connect: ${error instanceof Error ? error.message : String(error)}`, {
    cause: error,
  });
}
