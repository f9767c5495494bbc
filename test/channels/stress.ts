import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { type ChannelKind, createChannel } from "tideway/channels";
import { bundleForNode } from "../../scripts/bundle.mjs";
import { CACHE, ROOT } from "../../scripts/paths.mjs";
import { Random } from "../../src/testing/random.ts";
import { FORMATS, type StressJob, type StressReport } from "./stress-job.ts";

/** What one run is: its seed says everything. */
export interface StressPlan {
  readonly seed: number;
  readonly kind: ChannelKind;
  readonly style: keyof typeof FORMATS;
  readonly capacity: number;
  readonly senders: number;
  readonly receivers: number;
  readonly start: number;
}

/** What came of a run. */
export interface StressResult {
  readonly plan: StressPlan;
  readonly messages: number;
  readonly ms: number;
}

/** Draw a run: its kind, sizes, and where its positions begin, often near the wrap. */
export function planOf(seed: number): StressPlan {
  const random = new Random(seed);
  const kind = random.pick(["spsc", "mpsc", "mpmc"] as const);
  const style = random.pick(["struct", "coded"] as const);
  const isBytes = kind === "spsc" && style === "coded";
  return {
    seed,
    kind,
    style,
    capacity: isBytes ? 2 ** random.int(8, 16) : 2 ** random.int(1, 12),
    senders: kind === "spsc" ? 1 : random.int(1, 3),
    receivers: kind === "mpmc" ? random.int(1, 3) : 1,
    start: random.pick([0, -1, -random.int(1, 5_000), 0x7fff_ffff - random.int(0, 5_000)]),
  };
}

/**
 * Share of a run's messages in those of all runs: a ring of few slots has its threads take turns at each batch, and a
 * codec's own work is most of a coded message. Each ring still goes round many hundred times.
 */
export function shareOf({ kind, style, capacity }: StressPlan): number {
  const slots = kind === "spsc" && style === "coded" ? capacity / 64 : capacity;
  const small = slots >= 256 ? 1 : slots >= 32 ? 0.1 : 0.02;
  return style === "coded" ? small / 10 : small;
}

/** Threads that run the stress. */
export class StressThreads {
  readonly #bundle: string;

  private constructor(bundle: string) {
    this.#bundle = bundle;
  }

  /** Make the program of the threads. */
  static async make(): Promise<StressThreads> {
    const bundle = join(CACHE, `stress-thread-${process.pid}.mjs`);
    mkdirSync(CACHE, { recursive: true });
    await bundleForNode(join(ROOT, "test/channels/stress-thread.ts"), bundle);
    return new StressThreads(bundle);
  }

  /**
   * Send `messages` through a channel of a plan, and check each: its canary, its number behind the one before it of the
   * same sender, and that none is missing or there twice.
   * @throws {Error} when one is not as it was sent.
   */
  async run(plan: StressPlan, messages: number): Promise<StressResult> {
    const { kind, style, senders, receivers, start, capacity } = plan;
    const format = FORMATS[style];
    const size = kind === "spsc" && style === "coded" ? { capacityBytes: capacity } : { capacity };
    const memory = createChannel({ kind, format, senders, receivers, start, ...size });
    const each = Math.ceil(messages / senders);
    const job = (role: StressJob["role"], id: number, seed: number): StressJob => ({
      role,
      id,
      memory,
      style,
      most: Math.max(100, Math.min(1_000, capacity >> 2)),
      count: each,
      seed,
    });
    const began = performance.now();
    const reports = await Promise.all([
      ...Array.from({ length: senders }, (_, id) => this.#thread(job("send", id, plan.seed * 100 + id))),
      ...Array.from({ length: receivers }, (_, id) =>
        this.#thread(job("receive", id, plan.seed * 100 + 50 + id)),
      ),
    ]);
    const ms = performance.now() - began;
    check(plan, each, reports);
    return { plan, messages: each * senders, ms };
  }

  #thread(job: StressJob): Promise<StressReport> {
    return new Promise((resolve, reject) => {
      const worker = new Worker(this.#bundle, { workerData: job });
      worker.once("message", resolve);
      worker.once("error", reject);
      worker.once("exit", () => reject(new Error("A thread ended early")));
    });
  }

  /** Remove the program. */
  remove(): void {
    rmSync(this.#bundle, { force: true });
  }
}

function check(plan: StressPlan, each: number, reports: readonly StressReport[]): void {
  const problems = reports.flatMap(({ problems }) => problems);
  for (let sender = 0; sender < plan.senders; sender++) {
    const of = (pick: (report: StressReport) => readonly number[]) =>
      reports.reduce((sum, report) => sum + (pick(report)[sender] ?? 0), 0);
    const count = of(({ counts }) => counts);
    const sum = of(({ sums }) => sums);
    if (count !== each || sum !== (each * (each - 1)) / 2) {
      problems.push(`${count} of ${each} messages of sender ${sender}, sum ${sum}`);
    }
  }
  if (problems.length > 0) throw new Error(`${JSON.stringify(plan)}: ${problems.slice(0, 5).join("; ")}`);
}
