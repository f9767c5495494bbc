import { WireError } from "../core/errors.ts";
import type { Stream } from "../core/streams/stream.ts";
import type { Hello } from "../core/wire/hello.ts";
import type { Session } from "../session/session.ts";
import type { LaneChoice } from "../session/stream-options.ts";
import { whenAborted } from "../session/when-aborted.ts";
import { CallStream, onlyMessage } from "./call-stream.ts";
import { chooseCodec } from "./codecs.ts";
import {
  type Contract,
  type InputOf,
  isMethod,
  type Method,
  type MethodTree,
  type OutputOf,
} from "./contract.ts";
import { CallError, toCallError } from "./errors.ts";
import { newIdempotencyKey } from "./idempotency-key.ts";
import { NO_OPTIONS, openCall } from "./open-call.ts";
import { type Route, routeOf } from "./route.ts";
import { callsOf, type SessionCalls } from "./session-calls.ts";
import { UnaryCall } from "./unary-call.ts";

/** What one call can choose. */
export interface CallOptions {
  /** Time until the answer is of no use, ms; the handler learns of it. Default for unary calls: `limits.callMs`. */
  readonly deadlineMs?: number;
  /** Cancels the call, on both sides. */
  readonly signal?: AbortSignal;
  /** Text entries for the handler. */
  readonly headers?: Iterable<readonly [string, string]>;
  /** Priority class of this call, in both directions, 0 (first) to 7. Default 3. */
  readonly priority?: number;
  /** `own` for a large transfer that is independent of the others, in both directions. Default: what the contract says. */
  readonly lane?: LaneChoice;
  /** W3C `traceparent`. */
  readonly trace?: string;
  /**
   * False for secrets: records with frames of this call are not compressed, in either direction. Default: what the
   * contract says; where that says false, true changes nothing.
   */
  readonly compress?: boolean;
  /**
   * For unary calls: names the work, 1 to 128 bytes of UTF-8. A call with a key is sent again when its connection is
   * lost, and every call of this caller with the same method, key and input gets the answer of the one that ran, as
   * long as the peer keeps it. Idempotent methods get a key of their own where none is given.
   */
  readonly idempotencyKey?: string;
}

/** What a call can choose that is not unary. */
export type StreamCallOptions = Omit<CallOptions, "idempotencyKey">;

/** A call that goes through the client's middleware. */
export interface OutgoingCall {
  readonly method: string;
  readonly options: CallOptions;
}

/** Sees every call before it leaves; gives the options to use, or refuses the call by throwing. */
export type ClientMiddleware = (call: OutgoingCall) => CallOptions;

/** What a client can choose. */
export interface ClientOptions {
  /** Middleware, the outermost first. */
  readonly use?: readonly ClientMiddleware[];
}

/** The function that calls a method of this shape. @typeParam U, S - options of unary calls and of all others */
export type Caller<M, U = CallOptions, S = StreamCallOptions> =
  M extends Method<infer Shape, infer I, infer O>
    ? Shape extends "unary"
      ? (input: InputOf<I>, options?: U) => Promise<OutputOf<O>>
      : Shape extends "server-stream"
        ? (input: InputOf<I>, options?: S) => Omit<CallStream<never, OutputOf<O>>, "send" | "trySend" | "end">
        : Shape extends "client-stream"
          ? (options?: S) => ClientStreamCall<InputOf<I>, OutputOf<O>>
          : (options?: S) => CallStream<InputOf<I>, OutputOf<O>>
    : never;

/** The functions of a contract. */
export type Client<M> = { readonly [K in keyof M]: M[K] extends Method ? Caller<M[K]> : Client<M[K]> };

/** A call that sends many messages and gets one answer. */
export class ClientStreamCall<Out, Result> {
  readonly #call: CallStream<Out, Result>;
  #result: Promise<Result> | undefined;

  constructor(call: CallStream<Out, Result>) {
    this.#call = call;
  }

  /** See {@link CallStream.trySend}. */
  trySend(message: Out): boolean {
    return this.#call.trySend(message);
  }

  /** See {@link CallStream.send}. */
  send(message: Out): Promise<void> {
    return this.#call.send(message);
  }

  /**
   * Send every message of `source`, then {@link finish}. Stops when the handler wants no more of them; when `source`
   * throws, the call is cancelled.
   */
  async sendAll(source: AsyncIterable<Out> | Iterable<Out>): Promise<Result> {
    try {
      for await (const message of source) if (!(await this.#sendNext(message))) break;
    } catch (error) {
      this.cancel();
      throw error;
    }
    return this.finish();
  }

  /** @returns false when nothing more can be sent: the result says why. */
  async #sendNext(message: Out): Promise<boolean> {
    try {
      if (!this.#call.trySend(message)) await this.#call.send(message);
      return true;
    } catch (error) {
      if (error instanceof CallError) return false;
      throw error;
    }
  }

  /** Nothing more will be sent. @returns the answer. */
  finish(): Promise<Result> {
    this.#call.end();
    return this.result();
  }

  /** The answer, which may come before everything was sent. */
  result(): Promise<Result> {
    this.#result ??= onlyMessage(this.#call as CallStream<never, Result>);
    return this.#result;
  }

  /** Charged bytes that wait to be sent, and that may be sent before the peer must give more credit. */
  get queuedBytes(): number {
    return this.#call.queuedBytes;
  }
  get creditBytes(): number {
    return this.#call.creditBytes;
  }

  /** Give up the call. */
  cancel(): void {
    this.#call.cancel();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#call[Symbol.asyncDispose]();
  }
}

/**
 * The functions of a contract, calling the peer of a session. Either peer may call: a server can make a client for
 * the session of a browser.
 */
export function client<M extends MethodTree>(
  session: Session,
  api: Contract<M>,
  options: ClientOptions = {},
): Client<M> {
  return build(new Calls(session, options), api, "") as Client<M>;
}

function build(calls: Calls, tree: MethodTree, prefix: string): Record<string, unknown> {
  const functions: Record<string, unknown> = {};
  for (const [key, entry] of Object.entries(tree)) {
    const name = prefix + key;
    functions[key] = isMethod(entry) ? calls.caller(name, entry) : build(calls, entry, `${name}.`);
  }
  return functions;
}

/** No middleware; never written to. */
const NONE: readonly ClientMiddleware[] = [];

/** The calls that one client has under way. */
class Calls {
  readonly #session: Session;
  readonly #use: readonly ClientMiddleware[];
  readonly #shared: SessionCalls;
  /** Position of the codec of calls, or of the details of their errors, and the peer that it was chosen for. */
  #position = 0;
  #peer: Hello | undefined;

  constructor(session: Session, options: ClientOptions) {
    this.#session = session;
    this.#use = options.use ?? NONE;
    this.#shared = callsOf(session);
  }

  caller(name: string, method: Method): unknown {
    switch (method.shape) {
      case "unary":
        return (input: unknown, options?: CallOptions) => this.#unary(name, method, input, options);
      case "server-stream":
        return (input: unknown, options?: CallOptions) => this.#serverStream(name, method, input, options);
      case "client-stream":
        return (options?: CallOptions) => new ClientStreamCall(this.#stream(name, method, options));
      case "duplex":
        return (options?: CallOptions) => this.#stream(name, method, options);
    }
  }

  #unary(name: string, method: Method, input: unknown, given: CallOptions | undefined): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const prepared = this.#prepare(name, method, given);
      const options = method.idempotent ? withKey(prepared) : prepared;
      const { stream, route } = this.#open(name, method, options);
      const call = new UnaryCall({
        session: this.#session,
        name,
        input,
        options,
        stream,
        route,
        output: method.output,
        calls: this.#shared,
        resolve,
        reject,
      });
      try {
        call.start();
      } catch (error) {
        call.fail(error);
      }
    });
  }

  #serverStream(
    name: string,
    method: Method,
    input: unknown,
    given: CallOptions | undefined,
  ): CallStream<unknown, unknown> {
    const call = this.#stream(name, method, given);
    try {
      // When the call fails while its request waits for credit, who reads the answers is told.
      if (!call.trySend(input)) call.send(input).catch(() => {});
      call.end();
    } catch (error) {
      call.cancel();
      throw error;
    }
    return call;
  }

  #stream(name: string, method: Method, given: CallOptions | undefined): CallStream<unknown, unknown> {
    const options = this.#prepare(name, method, given);
    if (options.idempotencyKey !== undefined) {
      throw new TypeError(`Cannot call ${name} with an idempotency key: only unary calls are sent again`);
    }
    const { stream, route } = this.#open(name, method, options);
    const call = new CallStream<unknown, unknown>(stream, route.codec, method.output, "answer");
    if (route.refused !== undefined) call.onEvent = () => noteRefusal(call, stream, route);
    const { signal, deadlineMs } = options;
    const { clock } = this.#session.options;
    const onAbort = () => call.cancel();
    const late = () => call.cancel("ERR_DEADLINE", "Call took longer than its deadline");
    const timer = deadlineMs === undefined ? undefined : clock.schedule(late, deadlineMs);
    const stopWaiting = signal === undefined ? undefined : whenAborted(signal, onAbort);
    this.#shared.waiting++;
    call.onOver = () => {
      this.#shared.waiting--;
      stopWaiting?.();
      if (timer !== undefined) clock.cancel(timer);
    };
    return call;
  }

  /** Run the middleware and check what must hold before a stream is opened. */
  #prepare(name: string, { compress, lane }: Method, given: CallOptions | undefined): CallOptions {
    let options = lane === "main" ? (given ?? NO_OPTIONS) : { lane, ...given };
    for (const middleware of this.#use) options = middleware({ method: name, options });
    if (!compress) options = { ...options, compress };
    const { signal, deadlineMs } = options;
    if (signal?.aborted) {
      throw new CallError("ERR_CANCELLED", "ERR_CANCELLED", "Call was cancelled", undefined, signal.reason);
    }
    const { maxCalls } = this.#session.mux.limits;
    if (this.#shared.waiting >= maxCalls) {
      const waiting = `${maxCalls} calls are under way (limit maxCalls)`;
      throw new CallError("ERR_LIMIT", "ERR_LIMIT", `Cannot call ${name}: ${waiting}`);
    }
    if (deadlineMs === undefined || deadlineMs <= MOST_DEADLINE_MS) return options;
    if (Number.isNaN(deadlineMs)) throw new RangeError(`Cannot call ${name}: deadlineMs is not a number`);
    return { ...options, deadlineMs: MOST_DEADLINE_MS };
  }

  #open(name: string, method: Method, options: CallOptions): Opened {
    const session = this.#session;
    const { peer } = session;
    if (peer === undefined || peer !== this.#peer) this.#position = chooseCodec(session);
    this.#peer = peer;
    const route = routeOf(session, name, method, this.#position);
    try {
      return { stream: openCall(session, route, options), route };
    } catch (error) {
      throw error instanceof WireError ? toCallError(error) : error;
    }
  }
}

/** The stream of a call, and how its messages travel. */
interface Opened {
  readonly stream: Stream;
  readonly route: Route;
}

/** A call with many messages is not sent again, but the next one goes another way. */
function noteRefusal(call: CallStream<unknown, unknown>, stream: Stream, route: Route): void {
  const { error } = stream.receive;
  if (error === undefined) return;
  call.onEvent = undefined;
  route.refused?.(error);
}

/** A longer deadline, such as Infinity, is as good as none: 24 days. */
const MOST_DEADLINE_MS = 2_147_483_647;

function withKey(options: CallOptions): CallOptions {
  return options.idempotencyKey === undefined ? { ...options, idempotencyKey: newIdempotencyKey() } : options;
}
