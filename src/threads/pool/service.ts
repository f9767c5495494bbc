import type { ClientStreamCall } from "../../rpc/client.ts";
import type { CallContext } from "../../rpc/context.ts";
import type { Contract, MethodTree } from "../../rpc/contract.ts";
import { CallError, ReceivedError } from "../../rpc/errors.ts";
import {
  type Handlers,
  type ImplementOptions,
  type Incoming,
  implement,
  type Service,
} from "../../rpc/service.ts";
import type { Session } from "../../session/session.ts";
import type { TaskOptions } from "./options.ts";
import type { PartitionKey } from "./partitioner.ts";
import type { WorkerPool } from "./pool.ts";
import { callerAt, mapMethods, type TaskMethod } from "./tasks.ts";

/** How calls of a server go to workers. */
export interface PoolServiceOptions extends ImplementOptions {
  /**
   * The key of a call: calls of one key go to one worker. Default: one a session, so that all calls of a client see the
   * same worker. `input` is that of a unary or server-stream call.
   */
  readonly key?: (context: CallContext, input?: unknown) => PartitionKey | undefined;
}

/**
 * A service whose handlers run in the workers of a pool: the thread that has the sockets only passes messages on.
 * Deadline, cancellation, priority and trace go with each call, headers do not, but for the key.
 *
 * @param api - the contract that the pool was opened with, or a part of it
 */
export function poolService<M extends MethodTree>(
  pool: WorkerPool<M>,
  api: Contract<M>,
  options: PoolServiceOptions = {},
): Service {
  const { key: keyOf = keyOfSession, ...rest } = options;
  const handlers = mapMethods(api, (method) => handlerOf(pool, method, keyOf));
  return implement(api, handlers as unknown as Handlers<M>, rest);
}

type KeyOf = NonNullable<PoolServiceOptions["key"]>;
type Call = AsyncIterable<unknown> & {
  trySend(message: unknown): boolean;
  send(message: unknown): Promise<void>;
  end(): void;
  cancel(): void;
};

function handlerOf<M extends MethodTree>(
  pool: WorkerPool<M>,
  { method, path }: TaskMethod,
  keyOf: KeyOf,
): unknown {
  const call = callerAt(pool.tasks as never, path);
  const optionsOf = (context: CallContext, input?: unknown): TaskOptions => {
    const key = keyOf(context, input);
    return { ...context.forward(), ...(key === undefined ? {} : { key }) };
  };
  switch (method.shape) {
    case "unary":
      return (input: unknown, context: CallContext) =>
        passOn(() => call(input, optionsOf(context, input)) as Promise<unknown>);
    case "server-stream":
      return (input: unknown, context: CallContext) =>
        answersOf(() => call(input, optionsOf(context, input)) as Call);
    case "client-stream":
      return (messages: Incoming<unknown>, context: CallContext) =>
        passOn(() => (call(optionsOf(context)) as ClientStreamCall<unknown, unknown>).sendAll(messages));
    case "duplex":
      return (messages: Incoming<unknown>, context: CallContext) =>
        answersOf(() => {
          const duplex = call(optionsOf(context)) as Call;
          void sendAll(messages, duplex);
          return duplex;
        });
  }
}

/** What the worker says is for the caller as if it was said here. */
async function passOn<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw forCaller(error);
  }
}

async function* answersOf(run: () => Call): AsyncGenerator<unknown> {
  try {
    yield* run();
  } catch (error) {
    throw forCaller(error);
  }
}

async function sendAll(messages: Incoming<unknown>, call: Call): Promise<void> {
  try {
    for await (const message of messages) if (!call.trySend(message)) await call.send(message);
    call.end();
  } catch {
    call.cancel(); // the worker wants no more, or the caller is gone: who reads the answers is told
  }
}

function forCaller(error: unknown): unknown {
  if (!(error instanceof ReceivedError)) return error;
  return new CallError(error.code, error.name, error.message, error.details, error);
}

const keys: WeakMap<Session, number> = new WeakMap();
let lastKey = 0;

function keyOfSession({ session }: CallContext): number {
  let key = keys.get(session);
  if (key === undefined) {
    key = ++lastKey;
    keys.set(session, key);
  }
  return key;
}
