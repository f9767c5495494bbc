import type { CallOptions } from "../../rpc/client.ts";
import type { Session } from "../../session/session.ts";
import type { Partitioner, PartitionKey } from "./partitioner.ts";

/** How a pool of workers is made. */
export interface PoolOptions {
  /** How many workers. Default: one a processor that the runtime tells of, less one for this thread, at least 1. */
  readonly workers?: number;
  /** Tasks that wait for one worker, besides those that it has, from 1 to 1,048,576. Default 1,024. */
  readonly queueCapacity?: number;
  /** Chooses the worker of a task. Default `consistentHashPartitioner()`. */
  readonly partitioner?: Partitioner;
  /**
   * Tasks that a worker has at once, from 1 to 1,024: they travel in one record, and are what a crash may have cut
   * short. 1 makes a worker run one task after the other, also where its handlers wait. Default 8.
   */
  readonly batch?: number;
  /**
   * Keep each worker on one processor: true for the next one of all each, or a list that is gone round. Only where the
   * operating system lets it (Linux, with `taskset`); `stats()` says for each worker what came of it. Default false.
   */
  readonly cpuAffinity?: boolean | readonly number[];
  /** Restarts of one worker in a minute after which it is given up, from 0 to 1,000. Default 5. */
  readonly maxRestarts?: number;
}

/** {@link PoolOptions} with every field. */
export interface ResolvedPoolOptions extends Required<Omit<PoolOptions, "workers">> {}

/** Tasks that wait for one worker. */
export const DEFAULT_QUEUE_CAPACITY = 1_024;
/** Tasks that one worker has at once. */
export const DEFAULT_BATCH = 8;
/** Restarts of one worker in a minute. */
export const DEFAULT_MAX_RESTARTS = 5;

/** What one task can choose. */
export interface TaskOptions extends Omit<CallOptions, "idempotencyKey"> {
  /** Tasks of one key go to one worker, in their order. */
  readonly key?: PartitionKey;
}

/** A thread of a pool, as the runtime has started it. */
export interface PoolWorker {
  /** Over which it takes its tasks. */
  readonly session: Session;
  /** Settles when the thread has ended, with why. */
  readonly ended: Promise<unknown>;
  /** End the thread, whatever it does. */
  terminate(): unknown;
}

/** What a runtime does for a pool. */
export interface PoolHost {
  /** Processors that this process may use. */
  readonly processors: number;
  /** Start a thread and open a session with it. */
  start(): Promise<PoolWorker>;
  /** Keep a thread on one processor. @returns why that was not possible; `undefined` when it was. */
  pin(worker: PoolWorker, processor: number): Promise<string | undefined>;
}

/**
 * What a worker does.
 *
 *     starting --> ready --> draining --> ended
 *        ^           | its thread ends
 *        |           v
 *        +------ restarting --> failed: too many restarts
 */
export type WorkerState = "starting" | "ready" | "restarting" | "draining" | "failed" | "ended";

/** What came of the wish for one processor. */
export interface Affinity {
  /** The processor that it stays on; `undefined` when that could not be had. */
  readonly processor: number | undefined;
  /** Why not. */
  readonly reason: string | undefined;
}

/** What one worker has done. */
export interface PoolWorkerStats {
  readonly id: number;
  readonly state: WorkerState;
  /** Tasks that wait, that it has, and callers that wait for room. */
  readonly queued: number;
  readonly running: number;
  readonly waiting: number;
  /** Most tasks that have waited at once. */
  readonly highWater: number;
  /** Tasks that came to their end, with an answer or an error, and those of them with an error. */
  readonly completed: number;
  readonly failed: number;
  /** Times that it refused a task for want of room. */
  readonly refused: number;
  readonly restarts: number;
  /** `undefined` when none was asked for. */
  readonly affinity: Affinity | undefined;
}

/** What a pool has done. */
export interface PoolStats {
  readonly workers: readonly PoolWorkerStats[];
  readonly queued: number;
  readonly running: number;
  readonly completed: number;
  readonly failed: number;
}

/** @throws {RangeError} when an option is out of its bounds. */
export function resolvePoolOptions(options: PoolOptions, partitioner: Partitioner): ResolvedPoolOptions {
  const { queueCapacity, batch, cpuAffinity = false, maxRestarts } = options;
  return {
    queueCapacity: inRange("queueCapacity", queueCapacity ?? DEFAULT_QUEUE_CAPACITY, 1, 1_048_576),
    batch: inRange("batch", batch ?? DEFAULT_BATCH, 1, 1_024),
    maxRestarts: inRange("maxRestarts", maxRestarts ?? DEFAULT_MAX_RESTARTS, 0, 1_000),
    partitioner,
    cpuAffinity: Array.isArray(cpuAffinity)
      ? cpuAffinity.map((processor: number) => inRange("cpuAffinity", processor, 0, 65_535))
      : cpuAffinity,
  };
}

/** @throws {RangeError} when `value` is not a whole number from `least` to `most`. */
export function inRange(name: string, value: number, least: number, most: number): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new RangeError(`Cannot use ${name} ${value}: must be a whole number from ${least} to ${most}`);
}
