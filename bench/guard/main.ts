// The guard against regressions: short runs as ratios to the bare peer of the same run, against generous floors.
import { writeCounts } from "../../scripts/reporters/counts.mjs";
import type { Plan } from "../harness.ts";
import { describeRuntime } from "../machine.ts";
import { GROUPS } from "../registry.ts";
import { FLOORS } from "./floors.ts";
import { describeOutcome, guard } from "./judge.ts";

const PLAN: Plan = { quick: true, runs: 5, runMs: 50, warmUpMs: 300 };

console.log(describeRuntime());
const outcomes = await guard(
  FLOORS,
  async ({ group, id }) => {
    const benches = (GROUPS[group] ?? []).filter((bench) => bench.id === id);
    const figures = [];
    for (const bench of benches) figures.push(...(await bench.run(PLAN)));
    return figures;
  },
  (outcome) => console.log(describeOutcome(outcome)),
);
const failed = outcomes.filter(({ problem }) => problem !== undefined).length;
writeCounts({ passed: outcomes.length - failed, failed, skipped: 0 });
console.log(`${outcomes.length - failed} floors hold, ${failed} are broken`);
process.exit(failed > 0 ? 1 : 0); // nothing that a bench left open may keep the process
