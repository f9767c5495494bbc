import type { Contract, MethodTree } from "../rpc/contract.ts";
import type { PortAcceptOptions, PortConnectOptions, WorkerServer } from "../threads/options.ts";
import type { PoolHost, PoolOptions, PoolWorker } from "../threads/pool/options.ts";
import { WorkerPool } from "../threads/pool/pool.ts";
import { connectWorker, serveWorker } from "./worker.ts";

/** How a pool of Workers is made. */
export interface BrowserPoolOptions extends PoolOptions {
  /** How each Worker is started. Default `{ type: "module" }`. */
  readonly worker?: WorkerOptions;
  /** How the sessions with the Workers are opened. */
  readonly session?: PortConnectOptions;
}

/**
 * Start a pool of Workers that run the methods of `api`.
 *
 * @param script - module of the Workers, which calls {@link servePool}
 * @param api - the contract that it serves
 * @returns when all Workers are up.
 * @throws {RangeError} when an option is out of its bounds. {@link WireError} when a Worker does not come up.
 */
export function pool<M extends MethodTree>(
  script: string | URL,
  api: Contract<M>,
  options: BrowserPoolOptions = {},
): Promise<WorkerPool<M>> {
  return WorkerPool.open(api, options, new BrowserPoolHost(script, options));
}

class BrowserPoolHost implements PoolHost {
  readonly processors: number = globalThis.navigator?.hardwareConcurrency ?? 1;
  readonly #script: string | URL;
  readonly #options: BrowserPoolOptions;

  constructor(script: string | URL, options: BrowserPoolOptions) {
    this.#script = script;
    this.#options = options;
  }

  async start(): Promise<PoolWorker> {
    const worker = new Worker(this.#script, { type: "module", ...this.#options.worker });
    const terminate = () => worker.terminate();
    try {
      const session = await connectWorker(worker, this.#options.session);
      return { session, ended: session.closed, terminate };
    } catch (error) {
      terminate();
      throw error;
    }
  }

  async pin(): Promise<string | undefined> {
    return "a page has no say in that";
  }
}

/**
 * In a Worker: take the tasks of the pool that has started it, as `serveWorker` takes sessions. To be called while the
 * Worker's script runs for the first time.
 * @param options - its `services` implement the contract of the pool
 */
export function servePool(options: PortAcceptOptions): WorkerServer {
  return serveWorker(options);
}
