import type { Stream } from "../core/streams/stream.ts";
import type { Metadata } from "../core/wire/metadata.ts";
import type { Session } from "../session/session.ts";
import type { CallOptions } from "./client.ts";
import type { ErrorMap, InputOf } from "./contract.ts";
import { CallError } from "./errors.ts";

const NO_HEADERS: ReadonlyMap<string, string> = new Map();

/** What a handler knows of its call. */
export class CallContext<E extends ErrorMap = ErrorMap> {
  /** The session that the call came over; its other side can be called through it. */
  readonly session: Session;
  /** Name of the method, with the names of the parts it lies in: `room.join`. */
  readonly method: string;
  readonly #metadata: Metadata | undefined;
  readonly #stream: Stream;
  readonly #startedAt: number;
  #abort: AbortController | undefined;
  #reason: CallError | undefined;
  #state: Map<unknown, unknown> | undefined;

  constructor(session: Session, stream: Stream, method: string, startedAt: number) {
    this.session = session;
    this.method = method;
    this.#metadata = stream.metadata;
    this.#stream = stream;
    this.#startedAt = startedAt;
  }

  /** Room for middleware to leave something for the handler. */
  get state(): Map<unknown, unknown> {
    this.#state ??= new Map();
    return this.#state;
  }

  /** Whom the server took the caller for: what `authenticate` returned. */
  get principal(): unknown {
    return this.session.principal;
  }

  /** The caller's text entries. */
  get headers(): ReadonlyMap<string, string> {
    return this.#metadata?.headers ?? NO_HEADERS;
  }

  /** W3C `traceparent` of the caller. */
  get trace(): string | undefined {
    return this.#metadata?.trace;
  }

  /** What the caller names this work by; `undefined` when it may be done again for each call. */
  get idempotencyKey(): string | undefined {
    return this.#metadata?.idempotencyKey;
  }

  /** Time that the caller still waits, ms; `undefined` when it named no deadline. */
  get remainingMs(): number | undefined {
    const deadline = this.#metadata?.deadlineMs;
    if (deadline === undefined) return undefined;
    return Math.max(0, deadline - (this.session.options.clock.now() - this.#startedAt));
  }

  /**
   * Aborted when the caller gives up, its deadline passes, or the session is over. The handler of a unary call with
   * an idempotency key goes on while any caller waits for it, and after a loss, for one that may ask again.
   */
  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    if (this.#reason !== undefined && !this.#abort.signal.aborted) this.#abort.abort(this.#reason);
    return this.#abort.signal;
  }

  /**
   * Options for a call that this one makes in turn: deadline, cancellation, priority, trace and the wish not to be
   * compressed go with it. The idempotency key does not: it names the work of this method only.
   */
  forward(): CallOptions {
    const { remainingMs, trace } = this;
    const priority = this.#metadata?.priority;
    return {
      signal: this.signal,
      ...(remainingMs === undefined ? {} : { deadlineMs: remainingMs }),
      ...(trace === undefined ? {} : { trace }),
      ...(priority === undefined ? {} : { priority }),
      ...(this.#stream.compress ? {} : { compress: false }),
    };
  }

  /** An error of the contract, to throw: `throw context.error("NOT_FOUND", { id })`. */
  error<K extends keyof E & string>(name: K, details: InputOf<E[K]>, message: string = name): CallError {
    return new CallError("ERR_APPLICATION", name, message, details);
  }

  /** The call is over without its handler. For the server. */
  abort(reason: CallError): void {
    this.#reason ??= reason;
    this.#abort?.abort(this.#reason);
  }
}
