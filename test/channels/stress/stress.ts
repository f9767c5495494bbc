import { abandonChannel, createChannel } from "tideway/channels";
import type { JobThread, ThreadHost } from "../threads/host.ts";
import { FORMATS, type StressJob, type StressReport } from "./job.ts";
import type { StressPlan } from "./plan.ts";

/** What came of a run. */
export interface StressResult {
  readonly plan: StressPlan;
  readonly messages: number;
  readonly ms: number;
}

/** Runs the stress in threads that are used again. */
export class StressThreads {
  readonly #host: ThreadHost;
  readonly #all: JobThread[] = [];

  constructor(host: ThreadHost) {
    this.#host = host;
  }

  /**
   * Send `messages` through a channel of a plan, and check each: its canary, its number behind the one before it of the
   * same sender, and that none is missing or there twice.
   * @throws {Error} when one is not as it was sent.
   */
  async run(plan: StressPlan, messages: number): Promise<StressResult> {
    const memory = makeChannel(plan);
    const each = Math.ceil(messages / plan.senders);
    const roles = [
      ...Array.from(
        { length: plan.senders },
        (_, id) => ({ role: "send", id, seed: plan.seed * 100 + id }) as const,
      ),
      ...Array.from(
        { length: plan.receivers },
        (_, id) => ({ role: "receive", id, seed: plan.seed * 100 + 50 + id }) as const,
      ),
    ];
    while (this.#all.length < roles.length) this.#all.push(this.#host.start());
    const most = Math.max(100, Math.min(1_000, plan.capacity >> 2));
    const began = performance.now();
    const reports = await Promise.all(
      roles.map((role, index) => {
        const job: StressJob = { ...role, memory, style: plan.style, most, count: each };
        return this.#all[index]?.run(job) as Promise<StressReport>;
      }),
    ).catch((error: unknown) => {
      abandonChannel(memory); // the others wait for the one that has failed
      throw new Error(`${JSON.stringify(plan)}: ${error}`);
    });
    const ms = performance.now() - began;
    check(plan, each, reports);
    return { plan, messages: each * plan.senders, ms };
  }

  /** End the threads. */
  async close(): Promise<void> {
    await Promise.all(this.#all.splice(0).map((thread) => thread.terminate()));
  }
}

function makeChannel({ kind, style, senders, receivers, start, capacity }: StressPlan): SharedArrayBuffer {
  const size = kind === "spsc" && style === "coded" ? { capacityBytes: capacity } : { capacity };
  return createChannel({ kind, format: FORMATS[style], senders, receivers, start, ...size });
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
