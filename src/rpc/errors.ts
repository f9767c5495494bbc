import type { Bytes } from "../core/bytes.ts";
import { type ErrorName, WireError } from "../core/errors.ts";
import type { Failure } from "../core/wire/metadata.ts";
import type { CallCodec } from "./codecs.ts";
import type { ErrorMap, Method, OutputOf } from "./contract.ts";

/**
 * A call failed. `code` says how: `ERR_APPLICATION` for an error of the contract, which has a name and details;
 * otherwise the code of what went wrong (`ERR_DEADLINE`, `ERR_CANCELLED`, `ERR_VALIDATION`, `ERR_UNKNOWN_METHOD`, ...).
 */
export class CallError extends WireError {
  /** Name of the error in the contract; the code for all others. */
  override readonly name: string;
  /** What the contract says of it; `undefined` for all others. */
  readonly details: unknown;

  constructor(code: ErrorName, name: string, message: string, details?: unknown, cause?: unknown) {
    super(code, message, cause === undefined ? undefined : { cause });
    this.name = name;
    this.details = details;
  }
}

/** An error of the contract, as a caller sees it. */
export type ErrorOf<E extends ErrorMap> = {
  [K in keyof E & string]: CallError & { readonly name: K; readonly details: OutputOf<E[K]> };
}[keyof E & string];

/** The typed error of `method` that `error` is; `undefined` when it is anything else. */
export function errorOf<E extends ErrorMap>(
  method: { readonly errors: E } & Pick<Method, "errors">,
  error: unknown,
): ErrorOf<E> | undefined {
  const known =
    error instanceof CallError &&
    error.code === "ERR_APPLICATION" &&
    Object.hasOwn(method.errors, error.name);
  return known ? (error as ErrorOf<E>) : undefined;
}

/**
 * A {@link CallError} that came from the peer or the connection. A handler that lets one of a call of its own pass
 * tells its caller nothing of it.
 */
export class ReceivedError extends CallError {}

/** Codes of other errors that the caller may know, and what it is told. */
const PUBLIC: ReadonlyMap<ErrorName, string> = new Map([
  ["ERR_CANCELLED", "Call was cancelled"],
  ["ERR_DEADLINE", "Call took longer than its deadline"],
  ["ERR_DECODE", "Message cannot be decoded"],
]);

/** Whether an error of a handler is meant for its caller; all others are a fault of this side. */
export function isForCaller(error: unknown): error is WireError {
  if (error instanceof CallError && !(error instanceof ReceivedError)) return true;
  return error instanceof WireError && PUBLIC.has(error.code);
}

/** What a failed handler tells its caller. Only errors that are meant for it are described (T48). */
export function toFailure(error: unknown, codec: CallCodec): Failure {
  if (!isForCaller(error)) return { code: "ERR_INTERNAL", message: "Internal error" };
  if (!(error instanceof CallError) || error instanceof ReceivedError) {
    return { code: error.code, message: PUBLIC.get(error.code) as string };
  }
  const details: Bytes | undefined =
    error.details === undefined ? undefined : (codec.details ?? codec).encode(error.details);
  return {
    code: error.code,
    message: error.message,
    ...(error.code === "ERR_APPLICATION" ? { name: error.name } : {}),
    ...(details === undefined ? {} : { details }),
  };
}

/** The error that a failure means. @throws {ProtocolError} when its details cannot be decoded. */
export function fromFailure(failure: Failure, codec: CallCodec): CallError {
  const details =
    failure.details === undefined ? undefined : (codec.details ?? codec).decode(failure.details);
  return new ReceivedError(
    failure.code,
    failure.name ?? failure.code,
    failure.message ?? failure.code,
    details,
  );
}

/** Any error of a stream, as the error of its call. */
export function toCallError(error: unknown): CallError {
  if (error instanceof CallError) return error;
  if (error instanceof WireError)
    return new ReceivedError(error.code, error.code, error.message, undefined, error);
  return new ReceivedError("ERR_INTERNAL", "ERR_INTERNAL", "Call failed", undefined, error);
}
