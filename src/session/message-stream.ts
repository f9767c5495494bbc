import type { Bytes } from "../core/bytes.ts";
import type { Codec } from "../core/codecs/codec.ts";
import { ProtocolError, StateError, StreamError } from "../core/errors.ts";
import type { SessionEvent } from "../core/events.ts";
import { MAIN_LANE } from "../core/lanes/lane.ts";
import type { Stream } from "../core/streams/stream.ts";
import type { LaneChoice } from "./stream-options.ts";
import { type Waiter, wait } from "./wait.ts";

interface Reader extends Waiter<unknown> {
  /** What it gets after the last message. */
  readonly end: unknown;
}

interface Writer extends Waiter<void> {
  /** What it sends; `undefined` when it only waits for credit, `FINISH` when it ends the half. */
  readonly payload: Bytes | typeof FINISH | undefined;
}

const FINISH: unique symbol = Symbol("finish");
/** What {@link MessageStream.receiveOr} can be given, so that an `undefined` message is not taken for the end. */
export const END: unique symbol = Symbol("end");

/** How {@link MessageStream.listen} hands out messages. */
export interface ListenOptions {
  /**
   * The listener needs nothing of the bytes of a message after it returned: no view of them, and so no `Uint8Array` of the
   * codecs that give views, `raw` above all. Their memory is used again for what comes next. Default false.
   */
  readonly borrow?: boolean;
}

/**
 * A stream of typed messages: the asynchronous face of a core stream. `trySend` and `listen` cost no promise.
 *
 * Backpressure: `trySend` says false and `send` waits while the peer gives no credit; the peer gets credit when
 * messages are received here.
 */
export class MessageStream<Out = Bytes, In = Bytes> implements AsyncIterable<In> {
  readonly #stream: Stream;
  readonly #encoder: Codec<Out>;
  readonly #decoder: Codec<In>;
  #readers: Reader[] = [];
  /** Those that wait for credit, in the order in which they asked. */
  #writers: Writer[] = [];
  #closing: Waiter<void>[] = [];
  #ending = false;
  #delivered = false;
  #listener: ((message: In) => void) | undefined;
  #borrow: boolean | undefined;
  #onEnd: ((error: StreamError | undefined) => void) | undefined;

  constructor(stream: Stream, encoder: Codec<Out>, decoder: Codec<In>) {
    this.#stream = stream;
    this.#encoder = encoder;
    this.#decoder = decoder;
    stream.owner = this;
  }

  /** Name that the opener gave it. */
  get name(): string {
    return this.#stream.name;
  }

  /** The opener's text entries. */
  get headers(): ReadonlyMap<string, string> {
    return this.#stream.metadata?.headers ?? new Map();
  }

  /** Where what this side sends travels now: after a move to a transport without lanes it is `main` again. */
  get lane(): LaneChoice {
    return this.#stream.lane === MAIN_LANE ? "main" : "own";
  }

  /** Charged bytes that wait to be sent. */
  get queuedBytes(): number {
    return this.#stream.send.unsent;
  }

  /** Charged bytes that may be sent before the peer must give more credit. */
  get creditBytes(): number {
    const { limit, sent } = this.#stream.send;
    return limit - sent;
  }

  /**
   * Queue a message if there is credit for it. Raw bytes are kept, not copied: do not change them afterwards.
   * @returns false when nothing was queued: try again after {@link send} or {@link ready}.
   * @throws {StateError} after {@link close}.
   * @throws {StreamError} when the peer stopped the stream, or the connection was lost.
   */
  trySend(message: Out): boolean {
    this.#assertSending();
    const payload = this.#encoder.encode(message);
    return this.#writers.length === 0 && this.#stream.trySend(payload);
  }

  /**
   * Queue a message, and wait for credit first where there is none. Messages leave in the order of the calls, whether
   * awaited or not. Throws as {@link trySend} does.
   */
  async send(message: Out, options?: { readonly signal?: AbortSignal }): Promise<void> {
    this.#assertSending();
    const payload = this.#encoder.encode(message);
    if (this.#writers.length > 0 || !this.#stream.trySend(payload)) {
      await this.#writable(payload, options?.signal);
    }
  }

  /** Wait until {@link trySend} is worth trying. */
  async ready(options?: { readonly signal?: AbortSignal }): Promise<void> {
    if (this.#stream.sendError !== undefined) throw this.#stream.sendError;
    if (this.#writers.length > 0 || !this.#stream.requestWritable()) {
      await this.#writable(undefined, options?.signal);
    }
  }

  #assertSending(): void {
    if (!this.#ending) return;
    throw this.#stream.sendError ?? new StateError("Cannot send: the sending half was closed");
  }

  #writable(payload: Writer["payload"], signal: AbortSignal | undefined): Promise<void> {
    return wait(
      (waiter) => ({ ...waiter, payload }),
      this.#writers,
      signal,
      () => this.#writeOut(),
    );
  }

  /** Serve those that wait, as far as there is credit. */
  #writeOut(): void {
    const writers = this.#writers;
    for (let writer = writers[0]; writer !== undefined; writer = writers[0]) {
      try {
        if (!this.#writeOne(writer.payload)) return;
        writers.shift();
        writer.resolve();
      } catch (error) {
        writers.shift();
        writer.reject(error);
      }
    }
  }

  #writeOne(payload: Writer["payload"]): boolean {
    if (payload === undefined) return this.#stream.requestWritable();
    if (payload !== FINISH) return this.#stream.trySend(payload);
    this.#stream.finish();
    return true;
  }

  /**
   * The next message.
   * @returns `undefined` after the last one.
   * @throws {StreamError} when the stream did not end in order; {@link ProtocolError} when a message cannot be decoded.
   */
  receive(options?: { readonly signal?: AbortSignal }): Promise<In | undefined> {
    return this.receiveOr(undefined, options?.signal);
  }

  /** {@link receive} with another answer than `undefined` after the last message. For layers built on streams. */
  receiveOr<E>(end: E, signal?: AbortSignal): Promise<In | E> {
    if (this.#readers.length === 0) {
      const message = this.#stream.read();
      if (message !== undefined) return this.#decoded(message);
      const { ended, error } = this.#stream.receive;
      if (error !== undefined) return Promise.reject(error);
      if (ended) return Promise.resolve(end);
    }
    return wait<unknown, Reader>((waiter) => ({ ...waiter, end }), this.#readers, signal) as Promise<In | E>;
  }

  #decoded(message: Bytes): Promise<In> {
    try {
      return Promise.resolve(this.#decoder.decode(message));
    } catch (error) {
      return Promise.reject(this.#undecodable(error));
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<In, void, undefined> {
    try {
      for (;;) {
        const message = await this.receiveOr(END);
        if (message === END) return;
        yield message;
      }
    } finally {
      this.stop();
    }
  }

  /**
   * Hear every message as it arrives, without a promise. The credit goes back when `listener` returns; when it throws,
   * the stream is given up.
   * @param onEnd - called once: without an error after the last message, with what `listener` threw as its `cause`
   */
  listen(
    listener: (message: In) => void,
    onEnd?: (error: StreamError | undefined) => void,
    options?: ListenOptions,
  ): void {
    this.#borrow = options?.borrow;
    this.#listener = listener;
    this.#onEnd = onEnd;
    this.#drain(listener);
  }

  /** The receiving half as a web stream, one message a chunk. */
  get readable(): ReadableStream<In> {
    return new ReadableStream<In>(
      {
        pull: async (controller) => {
          const message = await this.receiveOr(END);
          if (message === END) controller.close();
          else controller.enqueue(message);
        },
        cancel: (reason) => this.stop(reason),
      },
      { highWaterMark: 0 },
    );
  }

  /** The sending half as a web stream, one message a chunk. */
  get writable(): WritableStream<Out> {
    return new WritableStream<Out>(
      {
        write: (message) => this.send(message),
        close: () => this.close(),
        abort: (reason) => this.#stream.reset(cancelled(reason)),
      },
      { highWaterMark: 1 },
    );
  }

  /**
   * End the sending half after what is queued.
   * @returns resolves when the peer's application has consumed everything.
   * @throws {StreamError} when it stopped reading or was lost before.
   */
  close(): Promise<void> {
    const { failure } = this.#stream;
    const closed = failure === undefined ? this.#close() : Promise.reject(failure);
    closed.catch(() => {}); // who does not await it does not ask whether it worked
    return closed;
  }

  #close(): Promise<void> {
    if (this.#writers.length === 0) this.#stream.finish();
    else if (!this.#ending) this.#writable(FINISH, undefined).catch(() => {});
    this.#ending = true;
    if (this.#delivered) return Promise.resolve();
    return wait((waiter) => waiter, this.#closing, undefined);
  }

  /** Stop reading: what waits is dropped, and the peer is told to send no more. */
  stop(reason?: unknown): void {
    this.#stream.stop(cancelled(reason));
  }

  /** Give up both halves at once. The peer sees `ERR_CANCELLED`, or the code of `reason` when it is a StreamError. */
  abort(reason?: unknown): void {
    const error = cancelled(reason);
    this.#stream.stop(error);
    this.#stream.reset(error);
    this.#failWriters(error);
    this.#settleReaders();
  }

  /** End sending in order and stop reading. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stream.finish();
    this.stop();
  }

  /** For the session: what happened to the core stream. */
  notify(event: SessionEvent): void {
    switch (event.kind) {
      case "readable":
        if (this.#listener !== undefined) this.#drain(this.#listener);
        else this.#settleReaders();
        return;
      case "writable":
        this.#writeOut();
        return;
      case "stopped":
        this.#failWriters(event.error);
        return;
      case "delivered":
        this.#delivered = true;
        for (const waiter of this.#closing.splice(0)) waiter.resolve();
        return;
    }
  }

  #settleReaders(): void {
    while (this.#readers.length > 0) {
      const message = this.#stream.read();
      const { ended, error } = this.#stream.receive;
      if (message !== undefined) {
        const reader = this.#readers.shift() as Reader;
        try {
          reader.resolve(this.#decoder.decode(message));
        } catch (failure) {
          reader.reject(this.#undecodable(failure));
        }
      } else if (error !== undefined) {
        for (const reader of this.#readers.splice(0)) reader.reject(error);
      } else if (ended) {
        for (const reader of this.#readers.splice(0)) reader.resolve(reader.end);
      } else return;
    }
    this.#stream.receive.settle();
  }

  #drain(listener: (message: In) => void): void {
    const stream = this.#stream;
    const borrow = this.#borrow;
    let failure: StreamError | undefined;
    try {
      for (let message = stream.read(borrow); message !== undefined; message = stream.read(borrow)) {
        listener(this.#decoder.decode(message));
      }
    } catch (error) {
      failure = this.#undecodable(error);
    }
    const { ended, error } = stream.receive;
    if (!ended && error === undefined) return;
    const onEnd = this.#onEnd;
    this.#onEnd = undefined;
    onEnd?.(failure ?? error);
  }

  /** A message that cannot be decoded, or a listener that throws, harms its own stream only. */
  #undecodable(error: unknown): StreamError {
    const code = error instanceof ProtocolError ? error.code : "ERR_INTERNAL";
    const failure = new StreamError(
      code,
      error instanceof ProtocolError ? error.message : "Listener failed",
      { cause: error },
    );
    this.#stream.stop(failure);
    this.#stream.reset(failure);
    return failure;
  }

  #failWriters(error: StreamError): void {
    for (const waiter of [...this.#writers.splice(0), ...this.#closing.splice(0)]) waiter.reject(error);
  }
}

function cancelled(reason: unknown): StreamError {
  if (reason instanceof StreamError) return reason;
  return new StreamError("ERR_CANCELLED", "Stream was cancelled", { cause: reason });
}
