import type { Caller, Client } from "../../rpc/client.ts";
import {
  type Contract,
  type InputOf,
  isMethod,
  type Method,
  type MethodTree,
  type OutputOf,
} from "../../rpc/contract.ts";
import type { TaskOptions } from "./options.ts";

/** Options of a call that is not unary: it goes to its worker at once, and waits in no queue. */
export type StreamTaskOptions = TaskOptions;

/** The function that runs a method of this shape on a worker. */
export type TaskCaller<M> = Caller<M, TaskOptions, StreamTaskOptions>;

/** The functions of a contract, running on workers. Unary ones wait for room in the queue of their worker. */
export type Tasks<M> = { readonly [K in keyof M]: M[K] extends Method ? TaskCaller<M[K]> : Tasks<M[K]> };

/** The function that submits a task when there is room for it now. */
export type TryTaskCaller<M> =
  M extends Method<infer S, infer I, infer O>
    ? S extends "unary"
      ? (input: InputOf<I>, options?: TaskOptions) => Promise<OutputOf<O>> | undefined
      : never
    : never;

/** The unary functions of a contract: each gives `undefined`, and has done nothing, when it would have to wait. */
export type TryTasks<M> = {
  readonly [K in keyof M]: M[K] extends Method ? TryTaskCaller<M[K]> : TryTasks<M[K]>;
};

/** A method with its place in its contract. */
export interface TaskMethod {
  readonly path: readonly string[];
  readonly method: Method;
}

/** Make a tree of functions like a contract. */
export function mapMethods<M extends MethodTree>(
  api: Contract<M>,
  make: (method: TaskMethod) => unknown,
): Readonly<Record<string, unknown>> {
  return mapTree(api, [], make);
}

function mapTree(
  tree: MethodTree,
  prefix: readonly string[],
  make: (method: TaskMethod) => unknown,
): Readonly<Record<string, unknown>> {
  const made: Record<string, unknown> = {};
  for (const [key, entry] of Object.entries(tree)) {
    const path = [...prefix, key];
    made[key] = isMethod(entry) ? make({ path, method: entry }) : mapTree(entry, path, make);
  }
  return made;
}

/** The function of a client at a place of its contract. */
export function callerAt(
  client: Client<MethodTree>,
  path: readonly string[],
): (...given: unknown[]) => unknown {
  let at: unknown = client;
  for (const key of path) at = (at as Record<string, unknown>)[key];
  return at as (...given: unknown[]) => unknown;
}
