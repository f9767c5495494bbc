import type { ThreadHost } from "../threads/host.ts";
import { everyPlan, planOf, shareOf } from "./plan.ts";
import { StressThreads } from "./stress.ts";

/** Which runs are drawn. */
export interface DrawnRuns {
  /** Messages of all runs together. */
  readonly messages: number;
  readonly seeds: number;
  /** The first seed. */
  readonly from: number;
}

/** How many there were. */
export interface StressSum {
  readonly runs: number;
  readonly messages: number;
}

/**
 * Run what seeds say, each with its share of the messages.
 * @throws {Error} when a message is not as it was sent.
 */
export async function stressDrawn(
  host: ThreadHost,
  { messages, seeds, from }: DrawnRuns,
  log: (line: string) => void,
): Promise<StressSum> {
  const plans = Array.from({ length: seeds }, (_, i) => planOf(from + i));
  const shares = plans.reduce((sum, plan) => sum + shareOf(plan), 0);
  const threads = new StressThreads(host);
  const began = performance.now();
  let total = 0;
  try {
    for (const plan of plans) {
      const { messages: sent, ms } = await threads.run(plan, Math.ceil((messages * shareOf(plan)) / shares));
      total += sent;
      log(`${JSON.stringify(plan)} ${sent} messages, ${(sent / ms / 1_000).toFixed(2)} M/s`);
    }
  } finally {
    await threads.close();
  }
  const seconds = ((performance.now() - began) / 1_000).toFixed(0);
  log(`${total} messages in ${seconds} s, each once and whole`);
  return { runs: plans.length, messages: total };
}

/**
 * Run every kind of ring with every size and wrap, some rounds each.
 * @throws {Error} when a message is not as it was sent.
 */
export async function stressEvery(host: ThreadHost, seed: number): Promise<StressSum> {
  const threads = new StressThreads(host);
  const plans = everyPlan(seed);
  let messages = 0;
  try {
    for (const plan of plans) {
      const slots = plan.kind === "spsc" && plan.style === "coded" ? plan.capacity / 64 : plan.capacity;
      messages += (await threads.run(plan, Math.max(LEAST_MESSAGES, ROUNDS * slots))).messages;
    }
  } finally {
    await threads.close();
  }
  return { runs: plans.length, messages };
}

const LEAST_MESSAGES = 200;
const ROUNDS = 3;
