import { type ErrorName, StreamError, StreamLostError } from "../core/errors.ts";
import type { Stream } from "../core/streams/stream.ts";
import type { Session } from "../session/session.ts";
import { openCall } from "./open-call.ts";
import type { UnaryCall, UnaryRequest } from "./unary-call.ts";

/** Streams that one call is sent on at most. */
export const MOST_TRIES = 10;

/** How a stream ends when its session could not carry it on, and another one may. */
const LOST: ReadonlySet<ErrorName> = new Set([
  "ERR_CONNECTION_LOST",
  "ERR_SESSION_UNKNOWN",
  "ERR_SESSION_EXPIRED",
  "ERR_TIMEOUT",
  "ERR_GOING_AWAY",
  "ERR_PEER_GONE",
]);

/** Lets the session finish what it does with a lost connection first. */
const SOON: Promise<void> = Promise.resolve();

/** The calls of each session that have lost a stream: they share one listener. */
const RETRIES: WeakMap<Session, Set<Retry>> = new WeakMap();

function retriesOf(session: Session): Set<Retry> {
  const known = RETRIES.get(session);
  if (known !== undefined) return known;
  const retries: Set<Retry> = new Set();
  RETRIES.set(session, retries);
  session.addEventListener("statechange", () => {
    for (const retry of retries) retry.wake();
  });
  return retries;
}

/**
 * Whether a call whose stream ended with `error` may be sent again.
 * @param keyed - it has an idempotency key. Without one it may only when the peer has certainly not begun with it: no
 *   frame of it left this side, or the peer refused it because it is going away
 */
export function mayTryAgain(error: StreamError, keyed: boolean): boolean {
  if (!(error instanceof StreamLostError)) return error.code === "ERR_GOING_AWAY";
  return !error.progress.opened || (keyed && LOST.has(error.code));
}

/**
 * Brings a unary call to another stream when it lost the one it had. It is made at the first loss and stays with the
 * call: a session that is closed has no later stream, so the call ends with what it was lost with.
 */
export class Retry {
  readonly #call: UnaryCall;
  readonly #request: UnaryRequest;
  #error: StreamError | undefined;
  /** The call has no stream. */
  #waiting = false;
  #tries = 1;
  #stopped = false;
  readonly #others: Set<Retry>;

  constructor(call: UnaryCall, request: UnaryRequest) {
    this.#call = call;
    this.#request = request;
    this.#others = retriesOf(request.session);
    this.#others.add(this);
  }

  /** The call has lost its stream. What it ends with tells of a stream that the peer may have seen, if one was. */
  again(error: StreamError): void {
    if (this.#error === undefined || !mayTryAgain(error, false)) this.#error = error;
    this.#waiting = true;
    this.wake();
  }

  /** The call is over. */
  stop(): void {
    this.#stopped = true;
    this.#others.delete(this);
  }

  /** The session has another state, or the call needs another stream. */
  wake(): void {
    void SOON.then(this.#try);
  }

  readonly #try = (): void => {
    if (this.#stopped) return;
    if (this.#request.session.state === "closed") this.#call.fail(this.#error);
    else if (!this.#waiting) return;
    else if (this.#tries < MOST_TRIES) this.#open();
    else this.#call.fail(this.#error);
  };

  /** Where no stream can be opened now, the next state of the session is waited for. */
  #open(): void {
    let stream: Stream;
    try {
      stream = this.#newStream();
    } catch (error) {
      if (!(error instanceof StreamError)) this.#call.fail(error);
      else if (this.#isLeft(error)) this.#call.fail(this.#error);
      return;
    }
    this.#waiting = false;
    this.#tries++;
    this.#call.restart(stream);
  }

  #newStream(): Stream {
    const { session, options } = this.#request;
    const { route } = this.#call;
    if (options.deadlineMs === undefined) return openCall(session, route, options);
    const deadlineMs = Math.max(0, this.#call.expiresAt - session.options.clock.now());
    return openCall(session, route, { ...options, deadlineMs });
  }

  /** The peer is going away, and this session stays with it. */
  #isLeft(error: StreamError): boolean {
    return error.code === "ERR_GOING_AWAY" && this.#request.session.state === "open";
  }
}
