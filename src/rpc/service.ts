import type { Codec } from "../core/codecs/codec.ts";
import type { Stream } from "../core/streams/stream.ts";
import type { Hello } from "../core/wire/hello.ts";
import type { Session } from "../session/session.ts";
import type { CallCodec } from "./codecs.ts";
import type { CallContext } from "./context.ts";
import {
  type Contract,
  type InputOf,
  isMethod,
  type Method,
  type MethodTree,
  type OutputOf,
} from "./contract.ts";
import { toCallError } from "./errors.ts";
import { findForeign } from "./foreign-schemas.ts";
import { type IdempotencyOptions, IdempotencyWindow } from "./idempotency.ts";
import { type MethodSchema, schemaOf } from "./method-schema.ts";
import { refuseCall, ServerCall } from "./server-call.ts";
import { callsOf, type SessionCalls } from "./session-calls.ts";

/** Messages of a caller, validated. */
export type Incoming<T> = AsyncIterable<T>;

/** Messages of a handler: what an async generator gives. */
export type Outgoing<T> = AsyncIterable<T> | Iterable<T>;

/** The function that handles a method of this shape. */
export type Handler<M> =
  M extends Method<infer S, infer I, infer O, infer E>
    ? S extends "unary"
      ? (input: OutputOf<I>, context: CallContext<E>) => InputOf<O> | Promise<InputOf<O>>
      : S extends "server-stream"
        ? (input: OutputOf<I>, context: CallContext<E>) => Outgoing<InputOf<O>>
        : S extends "client-stream"
          ? (messages: Incoming<OutputOf<I>>, context: CallContext<E>) => InputOf<O> | Promise<InputOf<O>>
          : (messages: Incoming<OutputOf<I>>, context: CallContext<E>) => Outgoing<InputOf<O>>
    : never;

/** The handlers of a contract. */
export type Handlers<M> = { readonly [K in keyof M]: M[K] extends Method ? Handler<M[K]> : Handlers<M[K]> };

/**
 * Runs around every handler. `next` runs the rest and settles when the call is over; an error that it throws is
 * what the caller gets.
 */
export type Middleware = (context: CallContext, next: () => Promise<void>) => Promise<void>;

/** How handlers run. */
export interface ImplementOptions {
  /** Middleware, the outermost first. */
  readonly use?: readonly Middleware[];
  /** Told of every handler that failed with an error that is not for the caller. What it throws is lost. */
  readonly onError?: (error: unknown, context: CallContext) => void;
  /**
   * What is kept of calls with an idempotency key, so that a repeat is answered and not run again. One window serves
   * all sessions of the service; services can share one. Middleware runs for each call, repeats too: only the handler
   * is skipped.
   */
  readonly idempotency?: IdempotencyWindow | Partial<IdempotencyOptions>;
}

/** A method with the function that handles it. */
export interface Implementation {
  readonly name: string;
  readonly method: Method;
  /** Set when its messages can travel in the schema codec. */
  readonly schema: MethodSchema | undefined;
  readonly handler: (input: never, context: CallContext) => unknown;
  /** The codec of its messages that was used last; sessions with another one for the details of errors have their own. */
  codec: CallCodec | undefined;
}

/** What all calls of one service over one session share. */
export interface ServiceState {
  readonly session: Session;
  readonly options: ImplementOptions;
  readonly calls: SessionCalls;
  readonly window: IdempotencyWindow;
  /** The first codec in the list of the peer it was looked up for last. */
  codec: Codec | undefined;
  peer: Hello | undefined;
  /** Names with schemas of the peer, and the method that each means. */
  names: Map<string, Implementation> | undefined;
  /** The name that was looked for last and is of no method here: of one of another service, mostly. */
  missing: string | undefined;
}

/** The handlers of one or more contracts, ready to be attached to sessions. */
export interface Service {
  /** Answer the calls that come over `session`. */
  attach(session: Session): void;
}

/**
 * Bind handlers to a contract.
 * @throws {TypeError} when a method has no handler.
 */
export function implement<M extends MethodTree>(
  api: Contract<M>,
  handlers: Handlers<M>,
  options: ImplementOptions = {},
): Service {
  const methods = new Map<string, Implementation>();
  collect(api, handlers as Record<string, unknown>, "", methods);
  const { idempotency } = options;
  const window = idempotency instanceof IdempotencyWindow ? idempotency : new IdempotencyWindow(idempotency);
  return {
    attach(session) {
      const state: ServiceState = {
        session,
        options,
        calls: callsOf(session),
        window,
        codec: undefined,
        peer: undefined,
        names: undefined,
        missing: undefined,
      };
      session.addStreamHandler((stream) => take(stream, methods, state));
    },
  };
}

function take(stream: Stream, methods: ReadonlyMap<string, Implementation>, state: ServiceState): boolean {
  try {
    const implementation = methods.get(stream.name) ?? findForeign(state, stream, methods);
    if (implementation === undefined) return false;
    new ServerCall(stream, implementation, state).start();
  } catch (error) {
    refuseCall(stream, toCallError(error));
  }
  return true;
}

function collect(
  tree: MethodTree,
  handlers: Record<string, unknown>,
  prefix: string,
  into: Map<string, Implementation>,
): void {
  for (const [key, entry] of Object.entries(tree)) {
    const name = prefix + key;
    const handler = find(handlers, key);
    if (isMethod(entry)) {
      if (typeof handler !== "function") throw new TypeError(`Cannot implement ${name}: it has no handler`);
      const schema = schemaOf(entry);
      const bound = handler.bind(handlers) as Implementation["handler"];
      const implementation = { name, method: entry, schema, handler: bound, codec: undefined };
      into.set(name, implementation);
      if (schema !== undefined) into.set(name + schema.suffix, implementation);
    } else {
      if (typeof handler !== "object" || handler === null) {
        throw new TypeError(`Cannot implement ${name}: it has no handlers`);
      }
      collect(entry, handler as Record<string, unknown>, `${name}.`, into);
    }
  }
}

/** The entry of an object or of its class, but not what every object has. */
function find(handlers: Record<string, unknown>, key: string): unknown {
  const found = handlers[key];
  return found === (Object.prototype as unknown as Record<string, unknown>)[key] ? undefined : found;
}
