import type { BackoffOptions } from "./backoff.ts";
import { Connector, type Wakeups } from "./connector.ts";
import { type Dial, inOrder, type Route } from "./dialing.ts";
import { type Credentials, resolveOptions, type SessionOptions } from "./options.ts";
import type { Session } from "./session.ts";

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
  /**
   * How long to try to carry on a session whose connection was lost, ms; the server may keep it for a shorter time.
   * 0: not at all, streams end with their connection. Default 60,000.
   */
  readonly resumeMs?: number;
  /**
   * How long after connecting by another dial than the first one to try that again, ms; longer after each failure.
   * Default 30,000.
   */
  readonly upgradeMs?: number;
  /** Aborts the attempt to connect, and later closes the session. */
  readonly signal?: AbortSignal;
}

/**
 * Connect over whatever `dial` opens. Of several dials, which must lead to the same server, the first one that works
 * is taken; the session moves to an earlier one, without a loss, when that works again. A `Race` takes the faster one.
 * @returns the session, open.
 * @throws {WireError} when the first attempt fails; the reason of `options.signal` when it aborts. Later losses are
 *   retried.
 */
export async function connectWith(
  dial: Dial | readonly Dial[] | Route,
  options: ConnectOptions = {},
  wakeups?: Wakeups,
): Promise<Session> {
  const route = "open" in dial ? dial : inOrder(typeof dial === "function" ? [dial] : dial);
  const connector = new Connector(route, options, resolveOptions(options), wakeups);
  options.onSession?.(connector.session);
  await connector.first();
  return connector.session;
}
