import { Worker } from "node:worker_threads";
import { lendChannel } from "tideway/channels";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ProtocolError } from "../../../src/index.ts";
import { KINDS, KillThreads } from "./kills.ts";
import { statesOf } from "./states.ts";

describe("lendChannel() tells of a worker that", () => {
  let threads: KillThreads;
  beforeAll(async () => {
    threads = await KillThreads.make();
  });
  afterAll(() => threads.close());

  test.each([
    ["in order", 3, "end"],
    ["exits", 3, "ERR_PEER_GONE"],
    ["throws", 3, "ERR_PEER_GONE"],
    ["opens nothing", 0, "ERR_PEER_GONE"],
  ] as const)("ends: %s", async (way, count, end) => {
    const fate = await threads.leave(way);
    expect(fate.end).toBe(end);
    expect(fate.seen.map(({ number }) => number)).toEqual([0, 1, 2].slice(0, count));
  });

  test("was lent no channel: nothing is lent", async () => {
    const worker = new Worker("", { eval: true });
    expect(() => lendChannel(new SharedArrayBuffer(4_096), worker)).toThrow(ProtocolError);
    await worker.terminate();
  });
});

describe.each(KINDS)("%s: who lives on is told that a thread was ended", { timeout: 300_000 }, (kind) => {
  let threads: KillThreads;
  beforeAll(async () => {
    threads = await KillThreads.make();
  });
  afterAll(() => threads.close());

  test.each(["fixed", "coded"] as const)("in each state of a ring of %s messages", async (style) => {
    const all = await statesOf(kind, style);
    expect(all.length).toBeGreaterThan(30);
    const states = all.filter((_, index) => index % 3 === 0);
    expect(await threads.runAll(states, 1)).toBeGreaterThan(states.length * 0.7);
  });
});
