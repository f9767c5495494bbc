import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { planOf, StressThreads } from "./stress.ts";

const SEEDS = Array.from({ length: 12 }, (_, i) => i + 1);

describe("channels between threads", { timeout: 120_000 }, () => {
  let threads: StressThreads;
  beforeAll(async () => {
    threads = await StressThreads.make();
  });
  afterAll(() => threads.remove());

  test.each(SEEDS)("carry each message once and whole, seed %i", async (seed) => {
    const { messages } = await threads.run(planOf(seed), 20_000);
    expect(messages).toBeGreaterThanOrEqual(20_000);
  });
});
