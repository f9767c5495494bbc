import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { OutputOf, Schema } from "./contract.ts";
import { CallError, ReceivedError } from "./errors.ts";

/** Issues that an error names at most. */
const MOST_ISSUES = 3;

/** What the details of an `ERR_VALIDATION` hold for each issue: not the value, nor the schema. */
export interface ValidationIssue {
  readonly message: string;
  /** Keys from the message down to what is wrong; empty for the whole of it. */
  readonly path: readonly (string | number)[];
}

/**
 * The value as the schema returns it, at once where the schema is synchronous.
 * @param what - whose value it is: a bad request is the caller's fault, a bad answer the peer's
 * @param method - name of the method, for the message
 * @throws {CallError} `ERR_VALIDATION` when it does not fit.
 */
export function validate<S extends Schema>(
  schema: S,
  value: unknown,
  what: "request" | "answer",
  method: string,
): OutputOf<S> | Promise<OutputOf<S>> {
  const result = schema["~standard"].validate(value);
  if (isThenable(result)) return Promise.resolve(result).then((later) => unwrap(later, what, method));
  return unwrap(result, what, method);
}

/** Whether `value` must be awaited, whoever's promise it is: ORMs and other realms have their own. */
export function isThenable<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return (
    typeof value === "object" && value !== null && typeof (value as { then?: unknown }).then === "function"
  );
}

function unwrap<T>(result: StandardSchemaV1.Result<T>, what: "request" | "answer", method: string): T {
  if (result.issues === undefined) return result.value;
  const issues = result.issues.slice(0, MOST_ISSUES).map(toIssue);
  const text = issues.map(({ message, path }) =>
    path.length > 0 ? `${path.join(".")}: ${message}` : message,
  );
  const ErrorType = what === "request" ? CallError : ReceivedError;
  throw new ErrorType(
    "ERR_VALIDATION",
    "ERR_VALIDATION",
    `Cannot accept ${what} of ${method}: ${text.join("; ")}`,
    issues,
  );
}

function toIssue({ message, path = [] }: StandardSchemaV1.Issue): ValidationIssue {
  const keys = path.map((part) => (typeof part === "object" ? part.key : part));
  return { message, path: keys.map((key) => (typeof key === "symbol" ? String(key) : key)) };
}
