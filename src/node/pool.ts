import { availableParallelism } from "node:os";
import { Worker, type WorkerOptions } from "node:worker_threads";
import { client } from "../rpc/client.ts";
import type { Contract, MethodTree } from "../rpc/contract.ts";
import { implement, type Service } from "../rpc/service.ts";
import type { PortAcceptOptions, PortConnectOptions, WorkerServer } from "../threads/options.ts";
import { type PoolApi, poolContract } from "../threads/pool/contract.ts";
import type { PoolHost, PoolOptions, PoolWorker } from "../threads/pool/options.ts";
import { WorkerPool } from "../threads/pool/pool.ts";
import { type PoolServiceOptions, poolService } from "../threads/pool/service.ts";
import { ownThread, pinThread } from "./affinity.ts";
import { connectWorker, serveWorker } from "./worker.ts";

/** How a pool of worker threads is made. */
export interface NodePoolOptions extends PoolOptions {
  /** How each thread is started. */
  readonly worker?: WorkerOptions;
  /** How the sessions with the workers are opened. */
  readonly session?: PortConnectOptions;
}

/**
 * Start a pool of worker threads that run the methods of `api`.
 *
 * @param script - module of the workers, which calls {@link servePool}
 * @param api - the contract that it serves
 * @returns when all workers are up.
 * @throws {RangeError} when an option is out of its bounds. {@link WireError} when a worker does not come up.
 */
export function pool<M extends MethodTree>(
  script: string | URL,
  api: Contract<M>,
  options: NodePoolOptions = {},
): Promise<WorkerPool<M>> {
  return WorkerPool.open(api, options, new NodePoolHost(script, options));
}

/** Calls of a server that run in workers: see `serve`. */
export interface ServeWorkersOptions
  extends NodePoolOptions,
    Pick<PoolServiceOptions, "key" | "use" | "onError"> {
  /** Module of the workers, which calls {@link servePool}. */
  readonly script: string | URL;
  /** The contract that it serves. */
  readonly api: Contract;
}

/** Start the workers of a server, and the service that passes calls on to them. */
export async function openWorkers(
  options: ServeWorkersOptions,
): Promise<{ readonly pool: WorkerPool<MethodTree>; readonly service: Service }> {
  const { api, script } = options;
  const workers = await pool(script, api, options);
  return { pool: workers, service: poolService(workers, api, options) };
}

class NodePoolHost implements PoolHost {
  readonly processors: number = availableParallelism();
  readonly #script: string | URL;
  readonly #options: NodePoolOptions;

  constructor(script: string | URL, options: NodePoolOptions) {
    this.#script = script;
    this.#options = options;
  }

  async start(): Promise<PoolWorker> {
    const worker = new Worker(this.#script, this.#options.worker);
    let failure: unknown;
    worker.on("error", (error) => {
      failure = error; // what ended it, told with its exit
    });
    const ended = new Promise<unknown>((resolve) => {
      worker.once("exit", (code) => resolve(failure ?? new Error(`Worker exited with code ${code}`)));
    });
    const terminate = () => worker.terminate();
    try {
      const opening = connectWorker(worker, this.#options.session);
      const early = ended.then((reason) => {
        throw reason;
      });
      early.catch(() => {}); // it may also end later, which is told by `ended`
      return { session: await Promise.race([opening, early]), ended, terminate };
    } catch (error) {
      await terminate();
      throw failure ?? error;
    }
  }

  async pin({ session }: PoolWorker, processor: number): Promise<string | undefined> {
    let thread: number | undefined;
    try {
      thread = await client<PoolApi>(session, poolContract).tidewayPool.thread();
    } catch {
      // a worker that calls serveWorker() does not know the question
    }
    return pinThread(thread, processor);
  }
}

/**
 * In a worker: take the tasks of the pool that has started it, as `serveWorker` takes sessions.
 * @param options - its `services` implement the contract of the pool
 * @throws {StateError} when this is not a worker thread. {@link RangeError} when a limit is out of its bounds.
 */
export function servePool(options: PortAcceptOptions): WorkerServer {
  const own = implement<PoolApi>(poolContract, { tidewayPool: { thread: ownThread } });
  return serveWorker({ ...options, services: [...(options.services ?? []), own] });
}
