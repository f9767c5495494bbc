import type { Codec } from "../core/codecs/codec.ts";
import { type ErrorName, StreamError, WireError } from "../core/errors.ts";
import type { SessionEvent } from "../core/events.ts";
import type { Stream } from "../core/streams/stream.ts";
import { END, MessageStream } from "../session/message-stream.ts";
import type { LaneChoice } from "../session/stream-options.ts";
import type { CallCodec } from "./codecs.ts";
import type { Schema } from "./contract.ts";
import { fromFailure, ReceivedError, toCallError } from "./errors.ts";
import { validate } from "./validate.ts";

/**
 * A call with more than one message in a direction, as one side of it sees it: what it sends, what it receives, and
 * how it ends. Every message received is validated.
 */
export class CallStream<Out, In> implements AsyncIterable<In> {
  readonly #stream: Stream;
  readonly #codec: CallCodec;
  readonly #schema: Schema<unknown, In>;
  readonly #receives: "request" | "answer";
  readonly #messages: MessageStream<Out, unknown>;
  /** Called once, when the call is over for its reader. For those that make calls. */
  onOver: (() => void) | undefined;
  /** Called after each event of the stream. For those that handle calls. */
  onEvent: ((event: SessionEvent) => void) | undefined;

  /**
   * @param schema - of the messages received
   * @param receives - what they are
   */
  constructor(stream: Stream, codec: CallCodec, schema: Schema<unknown, In>, receives: "request" | "answer") {
    this.#stream = stream;
    this.#codec = codec;
    this.#schema = schema;
    this.#receives = receives;
    this.#messages = new MessageStream<Out, unknown>(stream, codec as Codec<Out>, codec);
    stream.owner = this;
  }

  /** Charged bytes that may be sent before the peer must give more credit. */
  get creditBytes(): number {
    return this.#messages.creditBytes;
  }

  /** See {@link MessageStream.lane}. */
  get lane(): LaneChoice {
    return this.#messages.lane;
  }

  /** Charged bytes that wait to be sent. */
  get queuedBytes(): number {
    return this.#messages.queuedBytes;
  }

  /**
   * Send a message if there is credit for it.
   * @returns false when nothing was sent: await {@link send} instead.
   * @throws {CallError} when the call is over, or the peer wants no more messages.
   */
  trySend(message: Out): boolean {
    try {
      return this.#messages.trySend(message);
    } catch (error) {
      throw error instanceof WireError ? toCallError(error) : error;
    }
  }

  /** Send a message as soon as there is credit for it. Throws as {@link trySend} does. */
  async send(message: Out): Promise<void> {
    try {
      await this.#messages.send(message);
    } catch (error) {
      throw error instanceof WireError ? toCallError(error) : error;
    }
  }

  /** Nothing more will be sent. */
  end(): void {
    void this.#messages.close();
  }

  /**
   * The next message.
   * @returns `undefined` after the last one.
   * @throws {CallError} when the call failed, or the message does not fit the contract.
   */
  receive(): Promise<In | undefined> {
    return this.receiveOr(undefined);
  }

  /** {@link receive} with another answer than `undefined` after the last message. For layers built on calls. */
  async receiveOr<E>(end: E): Promise<In | E> {
    let message: unknown;
    try {
      message = await this.#messages.receiveOr(END);
    } catch (error) {
      this.#over();
      throw toCallError(error);
    }
    if (message === END) {
      this.#ended();
      return end;
    }
    if (this.#codec.details !== undefined) return message as In;
    try {
      return await validate(this.#schema, message, this.#receives, this.#stream.name);
    } catch (error) {
      this.cancel("ERR_VALIDATION", "Message does not fit the contract");
      throw error;
    }
  }

  #over(): void {
    const onOver = this.onOver;
    this.onOver = undefined;
    onOver?.();
  }

  #ended(): void {
    this.#over();
    const failure = this.#stream.receive.trailer?.failure;
    if (failure !== undefined) throw fromFailure(failure, this.#codec);
  }

  /** The messages, to the last one. Leaving the loop early cancels what is left of them. */
  async *[Symbol.asyncIterator](): AsyncGenerator<In, void, undefined> {
    try {
      for (;;) {
        const message = await this.receiveOr(END);
        if (message === END) return;
        yield message;
      }
    } finally {
      this.#leave();
    }
  }

  /** A handler that has read enough can still answer; a caller that has read enough has no use for the call. */
  #leave(): void {
    if (this.#receives === "answer" && !this.#stream.receive.ended) this.cancel();
    else this.#messages.stop(new StreamError("ERR_CANCELLED", "Reader has left"));
  }

  /** Give up the call: both directions end, and the other side is told why. */
  cancel(code: ErrorName = "ERR_CANCELLED", message = "Call was cancelled"): void {
    this.#messages.abort(new StreamError(code, message));
    this.#over();
  }

  /** Cancels the call unless it is over. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.cancel();
  }

  /** For the session: what happened to the core stream. */
  notify(event: SessionEvent): void {
    this.#messages.notify(event);
    if (event.kind === "readable" && this.#stream.receive.error !== undefined) this.#over();
    this.onEvent?.(event);
  }
}

/** The answer of a call whose peer sends one message. */
export async function onlyMessage<In>(call: CallStream<never, In>): Promise<In> {
  const message = await call.receiveOr(END);
  if (message !== END && (await call.receiveOr(END)) === END) return message;
  const fault = message === END ? "Peer ended the call without an answer" : "Peer answered more than once";
  call.cancel("ERR_PROTOCOL", fault);
  throw new ReceivedError("ERR_PROTOCOL", "ERR_PROTOCOL", fault);
}
