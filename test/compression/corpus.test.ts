import { expect, it } from "vitest";
import corpus from "../vectors/compression-hostile.json" with { type: "json" };
import { replayCorpus } from "./corpus.ts";
import { implementations } from "./implementations.ts";

/** Expanding one of them takes no more than this, ms of CPU time; what shares the machine may double it. */
const MOST_MS = 20;
const MOST_GROWTH_BYTES = 64 << 20;

for (const { by, compressor } of await implementations())
  it(`hostile blocks end as they must: ${compressor.name} by ${by}`, () => {
    const before = process.memoryUsage().rss;
    const start = process.cpuUsage();
    const { count, wrong } = replayCorpus(compressor);
    const { user, system } = process.cpuUsage(start);
    expect(wrong).toEqual([]);
    expect(count).toBeGreaterThan(80);
    expect((user + system) / 1_000).toBeLessThan(count * MOST_MS);
    expect(process.memoryUsage().rss - before).toBeLessThan(MOST_GROWTH_BYTES);
  });

it("hostile blocks are mostly refused", () => {
  const count = (outcome: string) => corpus.filter((entry) => entry.outcome.startsWith(outcome)).length;
  expect(count("refused")).toBeGreaterThan(200);
  expect(count("bytes")).toBeGreaterThan(30);
});
