import { StateError } from "../../core/errors.ts";
import { type Client, client } from "../../rpc/client.ts";
import type { Contract, MethodTree } from "../../rpc/contract.ts";
import { CallError } from "../../rpc/errors.ts";
import type { Session } from "../../session/session.ts";
import { KEY_HEADER } from "./contract.ts";
import {
  inRange,
  type PoolHost,
  type PoolOptions,
  type PoolStats,
  type ResolvedPoolOptions,
  resolvePoolOptions,
  type TaskOptions,
} from "./options.ts";
import { consistentHashPartitioner, type Partitioner, type PartitionKey } from "./partitioner.ts";
import { Slot, type Task } from "./slot.ts";
import { callerAt, mapMethods, type TaskMethod, type Tasks, type TryTasks } from "./tasks.ts";

/** Workers of one pool at most. */
const MOST_WORKERS = 1_024;

const NO_OPTIONS: TaskOptions = {};

/**
 * Workers that run the methods of one contract, each in a thread of its own.
 *
 * A task goes to the worker that the partitioner picks for its key, waits there in a bounded queue, and is given to the
 * worker when that has fewer than `batch`. When a thread ends, another one takes its place: what is queued waits for
 * it; what the thread had fails with `ERR_PEER_GONE`, since it may have run, unless its method is idempotent: then it
 * runs again, three times at most.
 */
export class WorkerPool<M extends MethodTree> {
  /** Run methods on workers. A unary call whose worker has no room waits for it. */
  readonly tasks: Tasks<M>;
  /** Run unary methods on workers that have room now; `undefined` otherwise. */
  readonly tryTasks: TryTasks<M>;
  readonly #api: Contract<M>;
  readonly #host: PoolHost;
  readonly #options: ResolvedPoolOptions;
  readonly #partitioner: Partitioner;
  readonly #clients: WeakMap<Session, Client<MethodTree>> = new WeakMap();
  #slots: Slot[] = [];
  /** Workers that are taken away, while they come to their end. */
  readonly #leaving: Set<Slot> = new Set();
  #nextId = 0;
  #closed = false;
  #draining = false;

  private constructor(api: Contract<M>, options: PoolOptions, host: PoolHost) {
    this.#api = api;
    this.#host = host;
    this.#partitioner = options.partitioner ?? consistentHashPartitioner();
    this.#options = resolvePoolOptions(options, this.#partitioner);
    this.tasks = mapMethods(api, (method) => this.#caller(method)) as unknown as Tasks<M>;
    this.tryTasks = mapMethods(api, (method) => this.#tryCaller(method)) as unknown as TryTasks<M>;
  }

  /**
   * Start the workers.
   * @throws {RangeError} when an option is out of its bounds. What a worker fails to start with.
   */
  static async open<M extends MethodTree>(
    api: Contract<M>,
    options: PoolOptions,
    host: PoolHost,
  ): Promise<WorkerPool<M>> {
    const pool = new WorkerPool(api, options, host);
    const count = options.workers ?? Math.max(1, host.processors - 1);
    try {
      await pool.resize(count);
    } catch (error) {
      await pool.close({ drainMs: 0 });
      throw error;
    }
    return pool;
  }

  /** How many workers there are. */
  get size(): number {
    return this.#slots.length;
  }

  /**
   * Change the number of workers. Those that are added get tasks once all of them are up; those that are taken away do
   * what they have, then end. A key that moves to another worker starts there while its last tasks may still run at the
   * old one.
   * @returns when those that are added take tasks, and those that are taken away have ended.
   * @throws {RangeError} when `workers` is not a whole number from 1 to 1,024. What a worker fails to start with: the
   *   pool is then as before.
   */
  async resize(workers: number): Promise<void> {
    inRange("workers", workers, 1, MOST_WORKERS);
    this.#checkOpen();
    const added: Slot[] = [];
    while (this.#slots.length + added.length < workers)
      added.push(new Slot(this.#nextId++, this.#host, this.#options));
    const started = await Promise.allSettled(added.map((slot) => slot.start()));
    const failed = started.find((result) => result.status === "rejected");
    if (failed !== undefined || this.#closed) {
      await Promise.all(added.map((slot) => slot.close()));
      throw failed?.reason ?? new StateError("Cannot resize pool: it was closed");
    }
    const removed = this.#slots.slice(workers);
    this.#slots = [...this.#slots.slice(0, workers), ...added];
    this.#partitioner.resize(this.#slots.map(({ id }) => id));
    await Promise.all(removed.map((slot) => this.#remove(slot)));
  }

  async #remove(slot: Slot): Promise<void> {
    this.#leaving.add(slot);
    await slot.drain();
    await slot.close();
    this.#leaving.delete(slot);
  }

  #checkOpen(): void {
    if (this.#closed || this.#draining) throw new StateError("Cannot use pool: it was closed");
  }

  #slotOf(key: PartitionKey | undefined): Slot {
    this.#checkOpen();
    const id = this.#partitioner.pick(key);
    const slot = this.#slots.find((other) => other.id === id);
    if (slot === undefined)
      throw new RangeError(`Cannot run task: partitioner picked worker ${id}, which is none`);
    return slot;
  }

  /** Session with the worker of a key: for streams of the application's own. @throws {CallError} `ERR_PEER_GONE`. */
  sessionOf(key?: PartitionKey): Session {
    return this.#slotOf(key).session;
  }

  #clientOf(session: Session): Client<MethodTree> {
    let made = this.#clients.get(session);
    if (made === undefined) {
      made = client(session, this.#api as unknown as Contract<MethodTree>);
      this.#clients.set(session, made);
    }
    return made;
  }

  #caller({ path, method }: TaskMethod): unknown {
    switch (method.shape) {
      case "unary":
        return (input: unknown, options: TaskOptions = NO_OPTIONS) =>
          new Promise((resolve, reject) => {
            const call = this.#task(path, method.idempotent, input, options, resolve, reject);
            call.forget = this.#slotOf(options.key).submit(call.task);
          });
      case "server-stream":
        return (input: unknown, options: TaskOptions = NO_OPTIONS) =>
          callerAt(this.#clientOf(this.sessionOf(options.key)), path)(input, withKeyHeader(options));
      case "client-stream":
      case "duplex":
        return (options: TaskOptions = NO_OPTIONS) =>
          callerAt(this.#clientOf(this.sessionOf(options.key)), path)(withKeyHeader(options));
    }
  }

  #tryCaller({ path, method }: TaskMethod): unknown {
    if (method.shape !== "unary") return undefined;
    return (input: unknown, options: TaskOptions = NO_OPTIONS) => {
      let refused = false;
      const answer = new Promise((resolve, reject) => {
        const slot = this.#slotOf(options.key);
        const call = this.#task(path, method.idempotent, input, options, resolve, reject);
        call.forget = () => slot.forget(call.task);
        refused = !slot.trySubmit(call.task);
        if (refused) call.end();
      });
      return refused ? undefined : answer;
    };
  }

  /** A task that ends early when its caller gives up or its deadline passes, also while it waits. */
  #task(
    path: readonly string[],
    idempotent: boolean,
    input: unknown,
    options: TaskOptions,
    resolve: (answer: unknown) => void,
    reject: (error: unknown) => void,
  ): QueuedCall {
    const { signal, deadlineMs } = options;
    const dueAt = deadlineMs === undefined ? Number.POSITIVE_INFINITY : performance.now() + deadlineMs;
    const giveUp = (error: CallError): void => {
      call.forget();
      call.task.fail(error);
    };
    const onAbort = (): void => giveUp(failed("ERR_CANCELLED", "Task was cancelled", signal?.reason));
    const timer =
      deadlineMs === undefined || deadlineMs > MOST_TIMER_MS
        ? undefined
        : setTimeout(
            () => giveUp(failed("ERR_DEADLINE", "Task waited longer than its deadline")),
            deadlineMs,
          );
    const end = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
    };
    const call: QueuedCall = {
      forget: () => {},
      end,
      task: {
        idempotent,
        run: (session) => {
          end(); // from here on the call itself sees to its deadline and signal
          const left =
            deadlineMs === undefined ? options : { ...options, deadlineMs: dueAt - performance.now() };
          return callerAt(this.#clientOf(session), path)(input, withKeyHeader(left)) as Promise<unknown>;
        },
        succeed: (answer) => resolve(answer),
        fail: (error) => {
          end();
          reject(error);
        },
      },
    };
    if (signal?.aborted) throw failed("ERR_CANCELLED", "Task was cancelled", signal.reason);
    signal?.addEventListener("abort", onAbort, { once: true });
    return call;
  }

  /** What the pool has done, and what it has. */
  stats(): PoolStats {
    const workers = [...this.#slots, ...this.#leaving].map((slot) => slot.stats());
    const sum = (of: "queued" | "running" | "completed" | "failed"): number =>
      workers.reduce((total, worker) => total + worker[of], 0);
    return {
      workers,
      queued: sum("queued"),
      running: sum("running"),
      completed: sum("completed"),
      failed: sum("failed"),
    };
  }

  /** Resolves when no task is queued, runs or waits. New ones may come meanwhile, and are waited for. */
  async drain(): Promise<void> {
    await Promise.all([...this.#slots, ...this.#leaving].map((slot) => slot.idle()));
  }

  /**
   * Take no new tasks, do those that were taken, and end the threads.
   * @param options - `drainMs`: time for that, default 10,000; what is not done then fails with `ERR_PEER_GONE`
   */
  async close({ drainMs = 10_000 }: { readonly drainMs?: number } = {}): Promise<void> {
    if (this.#closed) return;
    this.#draining = true;
    const slots = [...this.#slots, ...this.#leaving];
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, drainMs);
    });
    if (drainMs > 0) await Promise.race([Promise.all(slots.map((slot) => slot.drain())), late]);
    clearTimeout(timer);
    this.#closed = true;
    await Promise.all(slots.map((slot) => slot.close()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** What a timer can wait at most: 24 days. */
const MOST_TIMER_MS = 2_147_483_647;

interface QueuedCall {
  readonly task: Task;
  /** It waits no more. */
  forget: () => void;
  /** Let go of its timer and its signal. */
  readonly end: () => void;
}

function failed(code: "ERR_CANCELLED" | "ERR_DEADLINE", message: string, cause?: unknown): CallError {
  return new CallError(code, code, message, undefined, cause);
}

function withKeyHeader({ key, ...options }: TaskOptions): TaskOptions {
  if (key === undefined) return options;
  const text =
    key instanceof Uint8Array
      ? Array.from(key, (byte) => byte.toString(16).padStart(2, "0")).join("")
      : `${key}`;
  return { ...options, headers: [...(options.headers ?? []), [KEY_HEADER, text] as const] };
}
