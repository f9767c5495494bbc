import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ThreadHost } from "../threads/host.ts";
import type { LeaverJob } from "./job.ts";
import { KINDS, KillThreads } from "./kills.ts";
import { statesOf } from "./states.ts";

/** What the end of a thread is, to who receives what it sends: messages that arrive, and what comes then. */
const ENDS: Readonly<Record<LeaverJob["way"], readonly [count: number, end: string]>> = {
  "in order": [3, "end"],
  exits: [3, "ERR_PEER_GONE"],
  throws: [3, "ERR_PEER_GONE"],
  "opens nothing": [0, "ERR_PEER_GONE"],
};

/**
 * Threads of a runtime that end.
 * @param ways - how threads may go by themselves so that this is told
 * @param every - one of so many states is taken: all of them take long
 */
export function killSuite(
  name: string,
  host: () => ThreadHost,
  { ways, every }: { readonly ways: readonly LeaverJob["way"][]; readonly every: number },
): void {
  describe(`threads of ${name} that end`, { timeout: 300_000 }, () => {
    let threads: KillThreads;
    beforeAll(() => {
      threads = new KillThreads(host());
    });
    afterAll(() => threads.close());

    test.each(ways)("by themselves are told of: %s", async (way) => {
      const fate = await threads.leave(way);
      const [count, end] = ENDS[way];
      expect(fate.end).toBe(end);
      expect(fate.seen.map(({ number }) => number)).toEqual([0, 1, 2].slice(0, count));
    });

    for (const kind of KINDS) {
      test.each(["fixed", "coded"] as const)(
        `in each state of a ring of %s messages are told of: ${kind}`,
        async (style) => {
          const all = await statesOf(kind, style);
          expect(all.length).toBeGreaterThan(30);
          const states = all.filter((_, index) => index % every === 0);
          expect(await threads.runAll(states, 1)).toBeGreaterThan(states.length * 0.7);
        },
      );
    }
  });
}
