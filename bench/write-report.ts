// The report of the benches: npm run bench:report -- [group ...] [--quick] [--only P3,P4] [--from NAME,NAME]
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { attempt, readBenchArguments } from "./arguments.ts";
import { FULL_PLAN, QUICK_PLAN } from "./harness.ts";
import { toHtml } from "./report-page/html.ts";
import { toMarkdown } from "./report-page/markdown.ts";
import { runGroups } from "./run.ts";
import { loadRun, mergeRuns, RESULTS, saveRun } from "./saved.ts";

const { values, chosen } = readBenchArguments({ from: { type: "string" } });
const { from } = values;
const run =
  from === undefined
    ? await runGroups(chosen, values.quick ? QUICK_PLAN : FULL_PLAN, "table")
    : attempt(() => mergeRuns((from as string).split(",").map((name) => [name, loadRun(name)] as const)));

if (from === undefined) saveRun("report", run);
mkdirSync(RESULTS, { recursive: true });
const documents = { "report.md": toMarkdown(run), "report.html": await toHtml(run) };
for (const [name, text] of Object.entries(documents)) {
  writeFileSync(join(RESULTS, name), text);
  console.log(`Wrote ${join(RESULTS, name)}`);
}
process.exit(); // with what the run has set
