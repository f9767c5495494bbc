import type { ThreadHost } from "../threads/host.ts";
import { KINDS, KillThreads } from "./kills.ts";
import { statesOf } from "./states.ts";

/** How often threads are ended. */
export interface KillRuns {
  /** Times in each state. */
  readonly runs: number;
}

/**
 * End threads in all states, again and again.
 * @throws {Error} when somebody hangs, is not told, or has received what was not sent.
 */
export async function killAll(
  host: ThreadHost,
  { runs }: KillRuns,
  log: (line: string) => void,
): Promise<void> {
  const began = performance.now();
  const seconds = () => ((performance.now() - began) / 1_000).toFixed(0);
  // One after the other: counting steps replaces `Atomics` of this thread.
  const plans = [];
  for (const kind of KINDS) {
    for (const style of ["fixed", "coded"] as const) plans.push(await statesOf(kind, style));
  }
  let trials = 0;
  let stopped = 0;
  const all = plans.map(async (states) => {
    const threads = new KillThreads(host);
    try {
      for (let run = 0; run < runs; run++) {
        const there = await threads.runAll(states, run);
        stopped += there; // read after the wait: others count meanwhile
        trials += states.length;
        if (run % 10 === 9) log(`${trials} threads ended, ${stopped} of them there, ${seconds()} s`);
      }
    } finally {
      await threads.close();
    }
  });
  await Promise.all(all);
  const states = plans.reduce((sum, plan) => sum + plan.length, 0);
  log(
    `${trials} threads ended in ${states} states, ${stopped} of them there, in ${seconds()} s: all others were told`,
  );
}
