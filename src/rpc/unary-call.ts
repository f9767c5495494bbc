import type { Bytes } from "../core/bytes.ts";
import type { Codec } from "../core/codecs/codec.ts";
import { type ErrorName, StreamError, WireError } from "../core/errors.ts";
import type { SessionEvent } from "../core/events.ts";
import type { Stream } from "../core/stream.ts";
import type { Expiring } from "./deadlines.ts";
import { fromFailure, ReceivedError, toCallError } from "./errors.ts";

/** What becomes of a unary call; exactly one of both is called, once. */
export interface UnaryOutcome {
  resolve(answer: Bytes): void;
  /** @param error - a {@link CallError}; anything else was wrong with the request */
  reject(error: unknown): void;
}

/** The caller's side of one message there and one back. No promise but the caller's own. */
export class UnaryCall implements Expiring {
  expiresAt = 0;
  readonly #stream: Stream;
  readonly #codec: Codec;
  readonly #outcome: UnaryOutcome;
  /** The request while there is no credit for it. */
  #request: Bytes | undefined;
  #answer: Bytes | undefined;
  #over = false;

  constructor(stream: Stream, codec: Codec, outcome: UnaryOutcome) {
    this.#stream = stream;
    this.#codec = codec;
    this.#outcome = outcome;
    stream.owner = this;
  }

  /** Send the request. @throws {StreamError} when it is longer than the peer accepts. */
  start(request: Bytes): void {
    if (this.#stream.trySend(request)) this.#stream.finish();
    else this.#request = request;
  }

  /** Give up: the handler on the other side is told. */
  cancel(code: ErrorName, message: string, cause?: unknown): void {
    if (this.#over) return;
    this.#giveUp(code, message);
    this.#reject(new ReceivedError(code, code, message, undefined, cause));
  }

  /** The request cannot be sent. */
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
    else if (event.kind === "writable" && this.#request !== undefined) {
      const request = this.#request;
      this.#request = undefined;
      try {
        this.start(request);
      } catch (error) {
        this.fail(error);
      }
    }
  }

  #read(): void {
    const stream = this.#stream;
    for (let message = stream.read(); message !== undefined; message = stream.read()) {
      if (this.#answer !== undefined) return this.cancel("ERR_PROTOCOL", "Peer answered more than once");
      this.#answer = message;
    }
    const { ended, error, trailer } = stream.receive;
    if (error !== undefined) this.#reject(toCallError(error));
    else if (ended && trailer?.failure !== undefined) this.#fail(trailer.failure);
    else if (ended) this.#end();
  }

  #fail(failure: Parameters<typeof fromFailure>[0]): void {
    try {
      this.#reject(fromFailure(failure, this.#codec));
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
    this.#over = true;
    this.#outcome.resolve(this.#answer);
  }

  #reject(error: unknown): void {
    this.#over = true;
    this.#outcome.reject(error);
  }
}
