// The benches: npm run bench -- [group ...] [--quick] [--json] [--only P3,P4] [--save NAME] [--compare NAME]

import { attempt, fail, readBenchArguments } from "./arguments.ts";
import { compareRuns, describeComparisons } from "./compare.ts";
import { FULL_PLAN, QUICK_PLAN } from "./harness.ts";
import { describeRuntime } from "./machine.ts";
import { runGroups } from "./run.ts";
import { loadRun, type SavedRun, saveRun } from "./saved.ts";

const { values, chosen } = readBenchArguments({ compare: { type: "string" }, save: { type: "string" } });
const baseline = values.compare === undefined ? undefined : attempt(() => loadRun(values.compare as string));
if (baseline !== undefined && baseline.quick !== values.quick) {
  fail(`Cannot compare: ${values.compare} was measured ${baseline.quick ? "with" : "without"} --quick`);
}

if (!values.json) console.log(describeRuntime());
const { save } = values;
const run = await runGroups(
  chosen,
  values.quick ? QUICK_PLAN : FULL_PLAN,
  values.json ? "json" : "table",
  // After each bench: what was measured is there when the run is ended early.
  (soFar) => save !== undefined && attempt(() => saveRun(save, soFar)),
);
if (save !== undefined) tell(`Kept as ${save}`);
if (baseline !== undefined) compare(baseline, run);
process.exit(); // with what has been set; nothing that a bench left open may keep the process

/** What is no figure goes where programs do not read. */
function tell(text: string): void {
  if (values.json) console.error(text);
  else console.log(`\n${text}`);
}

function compare(before: SavedRun, after: SavedRun): void {
  if (before.runtime !== after.runtime) tell(`Measured elsewhere: ${before.runtime}`);
  const comparisons = compareRuns(before.figures, after.figures);
  tell(`Compared with ${values.compare} of ${before.date}:\n${describeComparisons(comparisons)}`);
  if (comparisons.some(({ change }) => change.verdict === "worse")) process.exitCode = 1;
}
