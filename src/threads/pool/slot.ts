import type { WireError } from "../../core/errors.ts";
import { CallError } from "../../rpc/errors.ts";
import type { Session } from "../../session/session.ts";
import type {
  Affinity,
  PoolHost,
  PoolWorker,
  PoolWorkerStats,
  ResolvedPoolOptions,
  WorkerState,
} from "./options.ts";

/** A minute: restarts are counted over it. */
const RESTARTS_OVER_MS = 60_000;
/** Time before the first restart, which doubles with each one, ms. */
const RESTART_MS = 50;
const MOST_RESTART_MS = 5_000;

/** Times that a task is given to a worker whose thread ends meanwhile. */
const MOST_ATTEMPTS = 3;

/** One task on its way. */
export interface Task {
  /** It may run again when the thread that had it has ended. */
  readonly idempotent: boolean;
  /** Ask the worker. */
  run(session: Session): Promise<unknown>;
  succeed(answer: unknown): void;
  fail(error: unknown): void;
}

/**
 * The place of one worker in a pool: its queue, which outlives its thread.
 *
 *     waiting callers -> queue, at most `queueCapacity` -> running, at most `batch` -> answer
 */
export class Slot {
  readonly id: number;
  readonly #host: PoolHost;
  readonly #options: ResolvedPoolOptions;
  readonly #queue: Set<Task> = new Set();
  /** What a thread had when it ended and may run again: before the queue. */
  #again: Task[] = [];
  readonly #attempts: WeakMap<Task, number> = new WeakMap();
  readonly #running: Set<Task> = new Set();
  /** Callers that wait for room, in their order. */
  readonly #waiting: Set<() => void> = new Set();
  #state: WorkerState = "starting";
  #worker: PoolWorker | undefined;
  #affinity: Affinity | undefined;
  #lastError: unknown;
  #restartsAt: number[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #idle: (() => void)[] = [];
  #highWater = 0;
  #completed = 0;
  #failed = 0;
  #refused = 0;
  #restarts = 0;

  constructor(id: number, host: PoolHost, options: ResolvedPoolOptions) {
    this.id = id;
    this.#host = host;
    this.#options = options;
  }

  get state(): WorkerState {
    return this.#state;
  }

  /** The session of the worker, while it has one. @throws {CallError} `ERR_PEER_GONE`. */
  get session(): Session {
    if (this.#worker === undefined || this.#state === "failed" || this.#state === "ended") throw this.#gone();
    return this.#worker.session;
  }

  /** Start the thread. Rejects when it does not come up. */
  async start(): Promise<void> {
    const worker = await this.#host.start();
    if (this.#state === "ended") {
      void worker.terminate();
      return;
    }
    this.#worker = worker;
    this.#affinity = await this.#pin(worker);
    void worker.session.closed.then(() => worker.terminate());
    void worker.ended.then((reason) => this.#onEnd(worker, reason));
    if (this.#state !== "draining") this.#state = "ready";
    this.#pump();
  }

  async #pin(worker: PoolWorker): Promise<Affinity | undefined> {
    const { cpuAffinity } = this.#options;
    if (cpuAffinity === false) return undefined;
    const { processors } = this.#host;
    const processor = cpuAffinity === true ? this.id % processors : cpuAffinity[this.id % cpuAffinity.length];
    if (processor === undefined) return { processor: undefined, reason: "the list of processors is empty" };
    const reason = await this.#host.pin(worker, processor);
    return { processor: reason === undefined ? processor : undefined, reason };
  }

  /**
   * Take a task, if there is room for it.
   * @throws {CallError} when the worker was given up, or the pool is closed.
   */
  trySubmit(task: Task): boolean {
    if (this.#state === "failed" || this.#state === "ended") throw this.#gone();
    if (this.#waiting.size > 0 || this.#full) {
      this.#refused++;
      return false;
    }
    this.#submit(task);
    return true;
  }

  /** Take a task when there is room. @returns what forgets it while it waits for that. */
  submit(task: Task): () => void {
    if (this.#state === "failed" || this.#state === "ended") {
      task.fail(this.#gone());
      return () => {};
    }
    if (this.#waiting.size === 0 && !this.#full) {
      this.#submit(task);
      return () => this.forget(task);
    }
    const enter = () => this.#submit(task);
    this.#waiting.add(enter);
    return () => {
      if (!this.#waiting.delete(enter)) this.forget(task);
    };
  }

  get #full(): boolean {
    return this.#queue.size >= this.#options.queueCapacity;
  }

  #submit(task: Task): void {
    this.#queue.add(task);
    this.#pump();
    if (this.#queue.size > this.#highWater) this.#highWater = this.#queue.size;
  }

  /** A task that waits is not wanted any more. */
  forget(task: Task): void {
    if (this.#queue.delete(task)) this.#pump();
    else this.#again = this.#again.filter((other) => other !== task);
  }

  /** Give the worker what it may have, and let callers in. */
  #pump(): void {
    const worker = this.#worker;
    // A thread that has just ended gets nothing more: what waits is for the next one.
    if (worker?.session.state === "open" && (this.#state === "ready" || this.#state === "draining")) {
      while (this.#running.size < this.#options.batch) {
        const task = this.#again.shift() ?? first(this.#queue);
        if (task === undefined) break;
        this.#queue.delete(task);
        void this.#run(worker, task);
      }
    }
    for (const enter of this.#waiting) {
      if (this.#full) break;
      this.#waiting.delete(enter);
      enter();
    }
    if (this.#idle.length > 0 && this.empty) for (const resolve of this.#idle.splice(0)) resolve();
  }

  async #run(worker: PoolWorker, task: Task): Promise<void> {
    this.#running.add(task);
    const attempts = (this.#attempts.get(task) ?? 0) + 1;
    this.#attempts.set(task, attempts);
    try {
      const answer = await task.run(worker.session);
      this.#completed++;
      task.succeed(answer);
    } catch (error) {
      const lost = worker.session.state === "closed" && (error as WireError).code === "ERR_PEER_GONE";
      if (lost && task.idempotent && attempts < MOST_ATTEMPTS && this.#state !== "ended") {
        this.#again.push(task);
      } else {
        this.#completed++;
        this.#failed++;
        task.fail(error);
      }
    } finally {
      this.#running.delete(task);
      this.#pump();
    }
  }

  #onEnd(worker: PoolWorker, reason: unknown): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    this.#lastError = reason;
    if (this.#state === "ended") return;
    this.#restartLater();
  }

  #restartLater(): void {
    const now = performance.now();
    this.#restartsAt = this.#restartsAt.filter((at) => now - at < RESTARTS_OVER_MS);
    if (this.#restartsAt.length >= this.#options.maxRestarts) {
      this.#end("failed");
      return;
    }
    if (this.#state === "ready" || this.#state === "starting") this.#state = "restarting";
    const delay = Math.min(MOST_RESTART_MS, RESTART_MS * 2 ** this.#restartsAt.length);
    this.#restartsAt.push(now);
    this.#timer = setTimeout(() => {
      this.#restarts++;
      this.start().catch((error: unknown) => {
        this.#lastError = error;
        if (this.#state !== "ended") this.#restartLater();
      });
    }, delay);
  }

  /** Whether nothing is queued, runs or waits. */
  get empty(): boolean {
    return this.#queue.size + this.#running.size + this.#again.length + this.#waiting.size === 0;
  }

  /** Take no more; resolves when all that was taken is done. */
  async drain(): Promise<void> {
    if (this.#state === "ready" || this.#state === "restarting") this.#state = "draining";
    await this.idle();
  }

  /** Resolves when nothing is queued, runs or waits. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      if (this.empty) resolve();
      else this.#idle.push(resolve);
    });
  }

  /** End the thread; what is queued or runs fails. */
  async close(): Promise<void> {
    const worker = this.#worker;
    this.#end("ended");
    if (worker === undefined) return;
    await worker.session.close();
    await worker.terminate();
  }

  #end(state: "failed" | "ended"): void {
    this.#state = state;
    clearTimeout(this.#timer);
    const error = this.#gone();
    for (const enter of this.#waiting) {
      this.#waiting.delete(enter);
      enter();
    }
    const tasks = [...this.#again, ...this.#queue];
    this.#again = [];
    this.#queue.clear();
    for (const task of tasks) {
      this.#failed++;
      this.#completed++;
      task.fail(error);
    }
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  #gone(): CallError {
    const why =
      this.#state === "ended"
        ? "the pool is closed"
        : `worker ${this.id} has ended ${this.#restartsAt.length + 1} times in a minute (limit maxRestarts)`;
    return new CallError(
      "ERR_PEER_GONE",
      "ERR_PEER_GONE",
      `Cannot run task: ${why}`,
      undefined,
      this.#lastError,
    );
  }

  /** What it has done. */
  stats(): PoolWorkerStats {
    return {
      id: this.id,
      state: this.#state,
      queued: this.#queue.size + this.#again.length,
      running: this.#running.size,
      waiting: this.#waiting.size,
      highWater: this.#highWater,
      completed: this.#completed,
      failed: this.#failed,
      refused: this.#refused,
      restarts: this.#restarts,
      affinity: this.#affinity,
    };
  }
}

function first<T>(set: ReadonlySet<T>): T | undefined {
  for (const entry of set) return entry;
  return undefined;
}
