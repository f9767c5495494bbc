import { type Bytes, EMPTY } from "../core/bytes.ts";
import { type ErrorName, StreamError, StreamLostError, WireError } from "../core/errors.ts";
import type { SessionEvent } from "../core/events.ts";
import type { Stream } from "../core/streams/stream.ts";
import type { Session } from "../session/session.ts";
import { whenAborted } from "../session/when-aborted.ts";
import type { CallOptions } from "./client.ts";
import type { Schema } from "./contract.ts";
import type { Expiring } from "./deadlines.ts";
import { fromFailure, ReceivedError, toCallError } from "./errors.ts";
import { mayTryAgain, Retry } from "./retry.ts";
import type { Route } from "./route.ts";
import type { SessionCalls } from "./session-calls.ts";
import { validate } from "./validate.ts";

/** What a unary call is made from. */
export interface UnaryRequest {
  readonly session: Session;
  /** Name of the method. */
  readonly name: string;
  readonly input: unknown;
  readonly options: CallOptions;
  /** The first stream of the call. */
  readonly stream: Stream;
  /** How its messages travel at first. */
  readonly route: Route;
  /** Schema of the answer. */
  readonly output: Schema;
  readonly calls: SessionCalls;
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * The caller's side of one message there and one back. No promise but the caller's own. Deadline and signal bound the
 * whole call, over however many streams it goes.
 */
export class UnaryCall implements Expiring {
  expiresAt = 0;
  earlier: Expiring | undefined;
  later: Expiring | undefined;
  readonly #request: UnaryRequest;
  #stream: Stream;
  #route: Route;
  #message: Bytes = EMPTY;
  /** There is no credit for the request. */
  #waiting = false;
  #answer: Bytes | undefined;
  /** Ends the waiting for the signal of the call. */
  #stopWaiting: (() => void) | undefined;
  #timer: unknown;
  /** Made when the call loses its first stream. */
  #retry: Retry | undefined;
  #over = false;

  constructor(request: UnaryRequest) {
    const { calls, options } = request;
    this.#request = request;
    this.#stream = request.stream;
    this.#route = request.route;
    this.#stream.owner = this;
    calls.waiting++;
    if (options.deadlineMs === undefined) calls.deadlines.add(this);
    else this.#startTimer(options.deadlineMs);
    if (options.signal === undefined) return;
    const onAbort = () => this.cancel("ERR_CANCELLED", "Call was cancelled", options.signal?.reason);
    this.#stopWaiting = whenAborted(options.signal, onAbort);
  }

  #startTimer(deadlineMs: number): void {
    const { clock } = this.#request.session.options;
    this.expiresAt = clock.now() + deadlineMs;
    this.#timer = clock.schedule(() => this.expire(), deadlineMs);
  }

  /** How its messages travel. */
  get route(): Route {
    return this.#route;
  }

  /**
   * Send the request.
   * @throws {TypeError} when its codec cannot encode it.
   * @throws {StreamError} when it is longer than the peer accepts.
   */
  start(): void {
    this.#message = this.#route.codec.encode(this.#request.input);
    this.#send();
  }

  #send(): void {
    if (this.#stream.trySend(this.#message)) this.#stream.finish();
    else this.#waiting = true;
  }

  /** Begin again over another stream. For retries. */
  restart(stream: Stream): void {
    this.#stream = stream;
    stream.owner = this;
    this.#answer = undefined;
    this.#waiting = false;
    this.#trySend();
  }

  #trySend(): void {
    try {
      this.#send();
    } catch (error) {
      if (error instanceof StreamLostError) this.#lose(error);
      else this.fail(error);
    }
  }

  /** Give up: the handler on the other side is told. */
  cancel(code: ErrorName, message: string, cause?: unknown): void {
    if (this.#over) return;
    this.#giveUp(code, message);
    this.#reject(new ReceivedError(code, code, message, undefined, cause));
  }

  /** The request cannot be sent, or not again. */
  fail(error: unknown): void {
    if (this.#over) return;
    this.#giveUp("ERR_CANCELLED", "Request cannot be sent");
    this.#reject(error instanceof WireError ? toCallError(error) : error);
  }

  #giveUp(code: ErrorName, message: string): void {
    const error = new StreamError(code, message);
    this.#stream.stop(error);
    this.#stream.reset(error);
  }

  expire(): void {
    this.cancel("ERR_DEADLINE", "Call took longer than its deadline");
  }

  notify(event: SessionEvent): void {
    if (this.#over) return;
    if (event.kind === "readable") this.#read();
    else if (event.kind === "writable" && this.#waiting) {
      this.#waiting = false;
      this.#trySend();
    }
  }

  #read(): void {
    const stream = this.#stream;
    for (let message = stream.read(); message !== undefined; message = stream.read()) {
      if (this.#answer !== undefined) return this.cancel("ERR_PROTOCOL", "Peer answered more than once");
      this.#answer = message;
    }
    const { ended, error, trailer } = stream.receive;
    if (error !== undefined) this.#lose(error);
    else if (ended && trailer?.failure !== undefined) this.#fail(trailer.failure);
    else if (ended) this.#end();
  }

  /** The stream ended before its end: send the call again where that does no harm. */
  #lose(error: StreamError): void {
    try {
      if (!this.#reroute(error) && !mayTryAgain(error, this.#request.options.idempotencyKey !== undefined)) {
        throw toCallError(error);
      }
    } catch (reason) {
      this.#reject(reason);
      return;
    }
    this.#stream.owner = undefined;
    this.#giveUp("ERR_CANCELLED", "Call goes on elsewhere");
    this.#retry ??= new Retry(this, this.#request);
    this.#retry.again(error);
  }

  /** The peer cannot read the messages as they are: send them as it can. @returns false when there is no such way. */
  #reroute(error: StreamError): boolean {
    const route = this.#route.refused?.(error);
    if (route === undefined) return false;
    if (route !== this.#route) this.#message = route.codec.encode(this.#request.input);
    this.#route = route;
    return true;
  }

  #fail(failure: Parameters<typeof fromFailure>[0]): void {
    try {
      this.#reject(fromFailure(failure, this.#route.codec));
    } catch (error) {
      this.#reject(toCallError(error));
    }
  }

  #end(): void {
    // An answer can come before the request was read to its end: what is left of it has no reader.
    this.#stream.finish();
    if (this.#answer === undefined) {
      this.#reject(
        new ReceivedError("ERR_PROTOCOL", "ERR_PROTOCOL", "Peer ended the call without an answer"),
      );
      return;
    }
    this.#settle();
    this.#resolve(this.#answer);
  }

  #resolve(answer: Bytes): void {
    const { name, output, resolve, reject } = this.#request;
    const { codec } = this.#route;
    try {
      const value = codec.decode(answer);
      resolve(codec.details === undefined ? validate(output, value, "answer", name) : value);
    } catch (error) {
      reject(toCallError(error));
    }
  }

  #reject(error: unknown): void {
    this.#settle();
    this.#request.reject(error);
  }

  #settle(): void {
    const { calls, session } = this.#request;
    this.#over = true;
    calls.waiting--;
    if (this.#timer === undefined) calls.deadlines.delete(this);
    else session.options.clock.cancel(this.#timer);
    this.#retry?.stop();
    this.#stopWaiting?.();
  }
}
