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
let trials = 0;
let stopped = 0;
const all = plans.map(async ({ states }) => {
  const threads = await KillThreads.make();
  try {
    for (let run = 0; run < runs; run++) {
      const there = await threads.runAll(states, run);
      stopped += there; // read after the wait: others count meanwhile
      trials += states.length;
      if (run % 10 === 9) console.log(`${trials} threads ended, ${stopped} of them there, ${seconds()} s`);
    }
  } finally {
    await threads.close();
  }
});
await Promise.all(all);
const states = plans.reduce((sum, plan) => sum + plan.states.length, 0);
console.log(
  `${trials} threads ended in ${states} states, ${stopped} of them there, in ${seconds()} s: all others were told`,
);
