import { describe, expect, test } from "vitest";
import type { ThreadHost } from "../threads/host.ts";
import { stressDrawn, stressEvery } from "./runs.ts";

const SEEDS = 12;

/** The stress of channels between threads of a runtime, for a few seconds. */
export function stressSuite(name: string, host: () => ThreadHost): void {
  describe(`channels between ${name} carry each message once and whole`, { timeout: 120_000 }, () => {
    test("in every kind of ring, of every size, over every wrap of its positions", async () => {
      const { runs, messages } = await stressEvery(host(), 1);
      expect(runs).toBeGreaterThan(500);
      expect(messages).toBeGreaterThan(500_000);
    });

    test("as seeds draw them", async () => {
      const sum = await stressDrawn(host(), { messages: 240_000, seeds: SEEDS, from: 1 }, () => {});
      expect(sum.runs).toBe(SEEDS);
      expect(sum.messages).toBeGreaterThanOrEqual(240_000);
    });
  });
}
