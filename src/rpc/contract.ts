import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { LaneChoice } from "../session/stream-options.ts";

/** Any validator that follows Standard Schema: valibot, zod, arktype, or {@link type}. */
export type Schema<In = unknown, Out = In> = StandardSchemaV1<In, Out>;

/** How messages flow in a call. */
export type Shape = "unary" | "server-stream" | "client-stream" | "duplex";

/** Errors that a method may answer with: the name of each, and the schema of its details. */
export type ErrorMap = Readonly<Record<string, Schema>>;

/** The typed description of one method. */
export interface Method<
  S extends Shape = Shape,
  I extends Schema = Schema,
  O extends Schema = Schema,
  E extends ErrorMap = ErrorMap,
> {
  readonly shape: S;
  /** What the caller sends: the argument, or each message of it. */
  readonly input: I;
  /** What the handler answers: the result, or each message of it. */
  readonly output: O;
  readonly errors: E;
  /** Whether it may run more than once for one call; false for all but unary methods. */
  readonly idempotent: boolean;
  /** Where its calls travel unless their options say otherwise. */
  readonly lane: LaneChoice;
  /** False for secrets: no record with frames of its calls is compressed, whatever their options say. */
  readonly compress: boolean;
}

/** What a method is described with. */
export interface MethodOptions<I extends Schema, O extends Schema, E extends ErrorMap> {
  readonly input: I;
  readonly output: O;
  readonly errors?: E;
  /** `own` for large transfers: see `CallOptions.lane`. Default `main`. */
  readonly lane?: LaneChoice;
  /**
   * False where the input or the output holds secrets: records with frames of a call are not compressed, in either
   * direction. A call cannot ask for it again. Each side keeps to its own contract. Default true.
   */
  readonly compress?: boolean;
}

/** What a unary method is described with. */
export interface UnaryOptions<I extends Schema, O extends Schema, E extends ErrorMap>
  extends MethodOptions<I, O, E> {
  /**
   * It is safe to run it again. A call whose connection is lost is then sent again over the next one, with a key by
   * which the peer gives the answer of the first run where it still has it. Default false.
   */
  readonly idempotent?: boolean;
}

/** The methods of an API by name, or of parts of it. */
export interface MethodTree {
  readonly [name: string]: Method | MethodTree;
}

/** The typed description of an API. */
export type Contract<M extends MethodTree = MethodTree> = M;

/** `NoInfer` below: inside `contract()` the errors would else be taken from what a method may have at most. */
type NoErrors = Readonly<Record<never, Schema>>;

/** One message there, one back. */
export function unary<I extends Schema, O extends Schema, E extends ErrorMap = NoErrors>(
  options: UnaryOptions<I, O, E>,
): Method<"unary", I, O, NoInfer<E>> {
  return method("unary", options);
}

/** One message there, many back. */
export function serverStream<I extends Schema, O extends Schema, E extends ErrorMap = NoErrors>(
  options: MethodOptions<I, O, E>,
): Method<"server-stream", I, O, NoInfer<E>> {
  return method("server-stream", options);
}

/** Many messages there, one back. */
export function clientStream<I extends Schema, O extends Schema, E extends ErrorMap = NoErrors>(
  options: MethodOptions<I, O, E>,
): Method<"client-stream", I, O, NoInfer<E>> {
  return method("client-stream", options);
}

/** Many messages in both directions at once. */
export function duplex<I extends Schema, O extends Schema, E extends ErrorMap = NoErrors>(
  options: MethodOptions<I, O, E>,
): Method<"duplex", I, O, NoInfer<E>> {
  return method("duplex", options);
}

function method<S extends Shape, I extends Schema, O extends Schema, E extends ErrorMap>(
  shape: S,
  { input, output, errors, idempotent = false, lane = "main", compress = true }: UnaryOptions<I, O, E>,
): Method<S, I, O, E> {
  if (idempotent && shape !== "unary") {
    throw new TypeError(`Cannot describe ${shape} method as idempotent: only unary methods are sent again`);
  }
  return { shape, input, output, errors: errors ?? ({} as E), idempotent, lane, compress };
}

/**
 * Describe an API. Both sides import the same contract; types are inferred from it.
 * @throws {TypeError} when a name is empty, has a dot, or means something to every object; when an entry is neither
 *   a method nor a part with methods.
 */
export function contract<const M extends MethodTree>(methods: M): Contract<M> {
  check(methods, "");
  return methods;
}

/** A function of this name would change what the client is. */
const FORBIDDEN: ReadonlySet<string> = new Set(["then", "__proto__"]);

function check(tree: MethodTree, prefix: string): void {
  for (const [key, entry] of Object.entries(tree)) {
    const name = prefix + key;
    if (key === "" || key.includes(".") || FORBIDDEN.has(key)) {
      throw new TypeError(`Cannot use method name ${JSON.stringify(name)}`);
    }
    if (typeof entry !== "object" || entry === null || "~standard" in entry) {
      throw new TypeError(
        `Cannot use ${name}: expected unary(), serverStream(), clientStream(), duplex() or a part`,
      );
    }
    if (!isMethod(entry)) check(entry, `${name}.`);
  }
}

/** Whether an entry of a contract is a method, not a part with methods. */
export function isMethod(entry: Method | MethodTree): entry is Method {
  return typeof entry.shape === "string";
}

/** A type without a validator: what arrives is believed. For peers of one program, and for prototypes. */
export function type<T>(): Schema<T> {
  return { "~standard": { version: 1, vendor: "tideway", validate: (value) => ({ value: value as T }) } };
}

/** What is passed to a schema: the value before validation. */
export type InputOf<S extends Schema> = StandardSchemaV1.InferInput<S>;

/** What a schema gives: the value after validation. */
export type OutputOf<S extends Schema> = StandardSchemaV1.InferOutput<S>;
