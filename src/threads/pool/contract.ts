import type { CallContext } from "../../rpc/context.ts";
import { contract, type Method, type Schema, type, unary } from "../../rpc/contract.ts";

/** What every worker of a pool answers, besides its tasks. */
export type PoolApi = {
  readonly tidewayPool: {
    readonly thread: Method<
      "unary",
      Schema<void>,
      Schema<number | undefined>,
      Readonly<Record<never, Schema>>
    >;
  };
};

/** See {@link PoolApi}. */
export const poolContract: PoolApi = contract({
  tidewayPool: {
    /** Number of the thread in the operating system; `undefined` where there is no way to know it. */
    thread: unary({ input: type<void>(), output: type<number | undefined>() }),
  },
});

/** Header that carries the key of a task. */
export const KEY_HEADER = "tideway-pool-key";

/**
 * The key that a task was submitted with, as text; `undefined` for a task without one. For state that a worker keeps by
 * key: see `KeyedState`.
 */
export function taskKey(context: CallContext): string | undefined {
  return context.headers.get(KEY_HEADER);
}
