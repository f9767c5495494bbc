import type { Bytes } from "../core/bytes.ts";
import type { Codec } from "../core/codecs/codec.ts";
import { ProtocolError, StateError, StreamError } from "../core/errors.ts";
import type { SessionEvent } from "../core/events.ts";
import type { Stream } from "../core/streams/stream.ts";
import type { Hello } from "../core/wire/hello.ts";
import { encodeMetadata } from "../core/wire/metadata.ts";
import { CallStream } from "./call-stream.ts";
import { type CallCodec, codecOfPeer } from "./codecs.ts";
import { CallContext } from "./context.ts";
import type { Expiring } from "./deadlines.ts";
import { CallError, isForCaller, toCallError, toFailure } from "./errors.ts";
import { KeyedCall } from "./keyed-call.ts";
import type { Outcome, RunOwner } from "./keyed-run.ts";
import type { MethodSchema } from "./method-schema.ts";
import type { Implementation, Middleware, ServiceState } from "./service.ts";
import { isThenable, validate } from "./validate.ts";

/** The codec at a position of the peer's list; the first one is not looked up again for every call. */
function codecOfCall(state: ServiceState, position: number): Codec | undefined {
  const { peer } = state.session;
  if (position > 0) return codecOfPeer(state.session, peer as Hello, position);
  if (state.peer !== peer) {
    state.peer = peer;
    state.codec = codecOfPeer(state.session, peer as Hello, position);
  }
  return state.codec;
}

/** The handler's side of a call. Whatever the handler does ends this call at most. */
export class ServerCall implements Expiring {
  expiresAt = 0;
  earlier: Expiring | undefined;
  later: Expiring | undefined;
  readonly #stream: Stream;
  readonly #implementation: Implementation;
  readonly #state: ServiceState;
  readonly #codec: CallCodec;
  readonly #context: CallContext;
  #timer: unknown;
  /** The call in both directions, where more than one message can flow. */
  #messages: CallStream<unknown, unknown> | undefined;
  /** For a unary call with an idempotency key. */
  #keyed: KeyedCall | undefined;
  /** The request is here: its validation, the middleware or the handler has not settled. */
  #running = false;
  /** The caller has its answer, or does not want one. */
  #answered = false;
  #released = false;

  /** @throws {CallError} when the call cannot be taken. */
  constructor(stream: Stream, implementation: Implementation, state: ServiceState) {
    const { session, calls } = state;
    const codec = codecOfCall(state, stream.metadata?.codec ?? 0);
    if (codec === undefined) {
      throw new CallError("ERR_CODEC", "ERR_CODEC", "Cannot call: codec is not known here");
    }
    const { maxCalls } = session.mux.limits;
    if (calls.running >= maxCalls) {
      const running = `${maxCalls} calls are running (limit maxCalls)`;
      throw new CallError("ERR_OVERLOADED", "ERR_OVERLOADED", `Cannot call: ${running}`);
    }
    if (!implementation.method.compress) stream.compress = false;
    this.#stream = stream;
    this.#implementation = implementation;
    this.#state = state;
    this.#codec = codecOf(stream, implementation, codec);
    this.#context = new CallContext(session, stream, implementation.name, stream.now);
    const deadlineMs = stream.metadata?.deadlineMs;
    if (deadlineMs !== undefined)
      this.#timer = session.options.clock.schedule(() => this.expire(), deadlineMs);
  }

  /** Wait for the request, or begin at once where the handler reads messages itself. */
  start(): void {
    const { method } = this.#implementation;
    const { calls } = this.#state;
    calls.running++;
    this.#stream.owner = this;
    if (method.shape === "client-stream" || method.shape === "duplex") {
      this.#begin(this.#callStream());
    } else if (this.#timer === undefined) calls.deadlines.add(this, this.#stream.now);
  }

  #callStream(): CallStream<unknown, unknown> {
    const { input } = this.#implementation.method;
    const messages = new CallStream<unknown, unknown>(this.#stream, this.#codec, input, "request");
    messages.onEvent = (event) => this.#hear(event);
    this.#messages = messages;
    return messages;
  }

  notify(event: SessionEvent): void {
    if (event.kind === "readable" && !this.#running) this.#readRequest();
    else this.#hear(event);
  }

  #hear(event: SessionEvent): void {
    if (event.kind === "stopped") this.#lose(event.error);
    // Our own `stop` leaves an error too, but no event that says `readable`.
    else if (event.kind === "readable" && this.#stream.receive.error !== undefined) {
      this.#lose(this.#stream.receive.error);
    }
  }

  /** The caller gave up, or is gone. */
  #lose(error: StreamError): void {
    if (this.#answered) return;
    this.#stream.stop(error);
    this.#stream.reset(error);
    this.#leave(toCallError(error));
  }

  /** The call is over. A handler that still runs keeps its place for the time of a call, and no longer. */
  #leave(reason: CallError): void {
    const { deadlines } = this.#state.calls;
    this.#answered = true;
    this.#clearTimer();
    deadlines.delete(this);
    if (this.#running) deadlines.add(this);
    else this.#release();
    if (this.#keyed?.leave(reason, this.#waitMs) !== true) this.#context.abort(reason);
  }

  /** How long the caller waits yet, as far as is known. */
  get #waitMs(): number {
    return this.#context.remainingMs ?? this.#state.session.options.limits.callMs;
  }

  #readRequest(): void {
    const message = this.#stream.read();
    if (message !== undefined) {
      this.#running = true;
      this.#runRequest(message);
    } else if (this.#stream.receive.error !== undefined) this.#lose(this.#stream.receive.error);
    else if (this.#stream.receive.ended) {
      this.#fail(new CallError("ERR_VALIDATION", "ERR_VALIDATION", "Cannot call: there is no request"));
    }
  }

  #runRequest(message: Bytes): void {
    const { method } = this.#implementation;
    try {
      const key = this.#context.idempotencyKey;
      if (key !== undefined && method.shape === "unary") this.#keyed = this.#findKeyed(key, message);
      const decoded = this.#decode(message);
      const input =
        this.#codec.details === undefined
          ? validate(method.input, decoded, "request", this.#context.method)
          : decoded;
      if (input instanceof Promise)
        input.then((value) => this.#begin(value)).catch((error) => this.#fail(error));
      else this.#begin(input);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** @returns `undefined` when the caller has no identity: nothing can be kept for it. */
  #findKeyed(key: string, message: Bytes): KeyedCall | undefined {
    const { window } = this.#state;
    const { method, principal } = this.#context;
    const identity = window.options.identify(principal);
    if (identity === undefined) return undefined;
    return new KeyedCall(window, identity, { method, key, message, codec: this.#codec });
  }

  #decode(message: Bytes): unknown {
    try {
      return this.#codec.decode(message);
    } catch (error) {
      if (error instanceof ProtocolError) throw new CallError(error.code, error.code, error.message);
      throw error;
    }
  }

  /** Run the handler, inside the middleware where there is any. */
  #begin(input: unknown): void {
    this.#running = true;
    if (this.#answered) {
      this.#settled(); // the caller gave up while its request was validated
      return;
    }
    const { use } = this.#state.options;
    const { shape } = this.#implementation.method;
    if (shape === "server-stream" && this.#timer === undefined) this.#state.calls.deadlines.delete(this);
    if (use !== undefined && use.length > 0) {
      this.#settleAfter(compose(use, this.#context, () => this.#run(input)));
      return;
    }
    if (shape === "server-stream" || shape === "duplex" || this.#keyed !== undefined) {
      this.#settleAfter(this.#run(input));
      return;
    }
    // One answer and nothing around it: no promise beyond the handler's own.
    try {
      const result = this.#call(input);
      if (isThenable(result))
        result.then(
          (value) => this.#finish(value),
          (error) => this.#fail(error),
        );
      else this.#finish(result);
    } catch (error) {
      this.#fail(error);
    }
  }

  #call(input: unknown): unknown {
    return this.#implementation.handler(input as never, this.#context);
  }

  #settleAfter(run: Promise<void>): void {
    run.then(
      () => this.#done(),
      (error) => this.#fail(error),
    );
  }

  #finish(result: unknown): void {
    try {
      if (!this.#answered) this.#send(this.#codec.encode(result));
      this.#settled();
    } catch (error) {
      this.#fail(error);
    }
  }

  async #run(input: unknown): Promise<void> {
    const { shape } = this.#implementation.method;
    if (this.#keyed !== undefined) return this.#runKeyed(this.#keyed, input);
    if (shape === "unary" || shape === "client-stream") {
      const result = await this.#call(input);
      if (!this.#answered) this.#send(this.#codec.encode(result));
      return;
    }
    const messages = this.#messages ?? this.#callStream();
    for await (const message of iterable(this.#call(input))) {
      if (!messages.trySend(message)) await messages.send(message);
    }
    if (this.#answered) return;
    this.#answered = true;
    messages.end();
    this.#stopReading("ERR_NONE", "Call is answered");
  }

  /** Run the handler, or answer what its run for another call with the same key has given. */
  async #runKeyed(keyed: KeyedCall, input: unknown): Promise<void> {
    while (!this.#answered) {
      const found = keyed.enter(this.#owner);
      if (found === undefined) {
        const answer = this.#codec.encode(await this.#call(input));
        keyed.answered(answer);
        return this.#send(answer);
      }
      const outcome: Outcome | undefined = await found;
      if (outcome?.kind === "answer") return this.#send(outcome.answer);
      if (outcome !== undefined) throw keyed.errorOf(outcome.failure);
    }
  }

  get #owner(): RunOwner {
    const { clock, limits } = this.#state.session.options;
    return { clock, callMs: limits.callMs, abort: (reason) => this.#context.abort(reason) };
  }

  #send(answer: Bytes): void {
    if (this.#answered) return;
    // One message may always wait on a stream that is open.
    this.#stream.trySend(answer);
    this.#answered = true;
    this.#stream.finish();
    this.#stopReading("ERR_NONE", "Call is answered");
  }

  #done(): void {
    if (this.#answered) this.#settled();
    else this.#fail(new StateError("Cannot answer: middleware neither called next() to its end nor threw"));
  }

  #fail(error: unknown): void {
    const kept = this.#keyed?.failed(error) ?? false;
    if (!this.#answered) this.#refuse(error);
    else if (kept && !isForCaller(error)) this.#report(error);
    this.#settled();
  }

  #refuse(error: unknown): void {
    this.#answered = true;
    endWithFailure(this.#stream, error, this.#codec, this.#state.session.options.limits);
    this.#stopReading("ERR_CANCELLED", "Call has failed");
    if (!isForCaller(error)) this.#report(error);
  }

  #report(error: unknown): void {
    try {
      this.#state.options.onError?.(error, this.#context);
    } catch {
      // Who is told of errors must not make more of them.
    }
  }

  #stopReading(code: "ERR_NONE" | "ERR_CANCELLED", reason: string): void {
    if (!this.#stream.receive.ended) this.#stream.stop(new StreamError(code, reason));
  }

  /** The deadline passed; or the handler did not settle for that long after the call was over. */
  expire(): void {
    if (this.#answered) {
      this.#release();
      return;
    }
    const error = new CallError("ERR_DEADLINE", "ERR_DEADLINE", "Call took longer than its deadline");
    this.#refuse(error);
    this.#leave(error);
  }

  #settled(): void {
    this.#running = false;
    this.#keyed?.close();
    this.#release();
  }

  #release(): void {
    if (this.#released) return;
    this.#released = true;
    this.#state.calls.running--;
    this.#state.calls.deadlines.delete(this);
    this.#clearTimer();
    this.#stream.release();
  }

  #clearTimer(): void {
    if (this.#timer === undefined) return;
    this.#state.session.options.clock.cancel(this.#timer);
    this.#timer = undefined;
  }
}

/** The codec of the messages: that of the method's schemas where the name of the stream says so. */
function codecOf(stream: Stream, implementation: Implementation, details: Codec): CallCodec {
  const { name, schema } = implementation;
  if (schema === undefined || stream.name === name) return details;
  if (implementation.codec?.details !== details) implementation.codec = schemaCodec(schema, details);
  return implementation.codec as CallCodec;
}

function schemaCodec({ input, output }: MethodSchema, details: Codec): CallCodec {
  return {
    name: input.name,
    encode: (value) => output.encode(value),
    decode: (bytes) => input.decode(bytes),
    details,
  };
}

/** End a stream with an error for its caller. */
function endWithFailure(
  stream: Stream,
  error: unknown,
  codec: CallCodec,
  limits: Parameters<typeof encodeMetadata>[1],
): void {
  if (stream.sendError !== undefined) return;
  try {
    stream.finish(encodeMetadata({ failure: toFailure(error, codec) }, limits));
  } catch {
    stream.finish(encodeMetadata({ failure: { code: "ERR_INTERNAL", message: "Internal error" } }, limits));
  }
}

/** Refuse a call that was not begun. */
export function refuseCall(stream: Stream, error: CallError): void {
  const refusal = new StreamError(error.code, error.message);
  stream.stop(refusal);
  stream.reset(refusal);
  stream.release();
}

function iterable(result: unknown): AsyncIterable<unknown> | Iterable<unknown> {
  const many = Object(result) as Partial<AsyncIterable<unknown> & Iterable<unknown>>;
  if (many[Symbol.asyncIterator] === undefined && many[Symbol.iterator] === undefined) {
    throw new TypeError("Cannot answer: handler must return an iterable, such as an async generator");
  }
  return result as AsyncIterable<unknown>;
}

function compose(use: readonly Middleware[], context: CallContext, run: () => Promise<void>): Promise<void> {
  let reached = -1;
  const step = async (at: number): Promise<void> => {
    if (at <= reached) throw new StateError("Cannot go on: middleware called next() twice");
    reached = at;
    const middleware = use[at];
    if (middleware === undefined) return run();
    await middleware(context, () => step(at + 1));
  };
  return step(0);
}
