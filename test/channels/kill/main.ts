// Threads that are ended in every state of a ring: npm run kills -- [--runs 100]
import { parseArgs } from "node:util";
import { KINDS, KillThreads } from "./kills.ts";
import { statesOf } from "./states.ts";

const { values } = parseArgs({ options: { runs: { type: "string", default: "100" } } });
const runs = Number(values.runs);
const began = performance.now();
const seconds = () => ((performance.now() - began) / 1_000).toFixed(0);
// One after the other: counting steps replaces `Atomics` of this thread.
const plans = [];
for (const kind of KINDS) {
  for (const style of ["fixed", "coded"] as const)
    plans.push({ kind, style, states: await statesOf(kind, style) });
}
const counts = await Promise.all(
  plans.map(async ({ kind, style, states }) => {
    const threads = await KillThreads.make();
    try {
      const { trials, stopped } = await threads.runAll(states, runs);
      console.log(
        `${kind}, ${style}: ${states.length} states, ${trials} threads ended, ${stopped} of them there, ${seconds()} s`,
      );
      return trials;
    } finally {
      await threads.close();
    }
  }),
);
console.log(
  `${counts.reduce((sum, count) => sum + count, 0)} threads ended in ${seconds()} s, everybody was told`,
);
