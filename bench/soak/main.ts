// Memory over a long time: npm run bench:soak [-- --minutes 10] [--save NAME]
import { parseArgs } from "node:util";
import { describeRuntime } from "../machine.ts";
import { peerVersions } from "../peers/packages.ts";
import { meetsTarget, toTable } from "../report.ts";
import { saveRun } from "../saved.ts";
import { soak } from "./soak.ts";

const { values } = parseArgs({
  options: { minutes: { type: "string", default: "10" }, save: { type: "string" } },
});
const minutes = Number(values.minutes);
if (!(minutes > 0)) {
  console.error(`Cannot soak for ${values.minutes} minutes`);
  process.exit(2);
}
console.log(describeRuntime());
const figures = await soak(minutes * 60, console.log);
console.log(`\n${toTable(figures)}`);
if (values.save !== undefined) {
  const path = saveRun(values.save, {
    date: new Date().toISOString(),
    runtime: describeRuntime(),
    versions: peerVersions(),
    quick: false,
    figures: figures.map((figure) => ({ group: "scenarios", ...figure })),
  });
  console.log(`Kept as ${path}`);
}
process.exit(figures.every(meetsTarget) ? 0 : 1); // nothing that a helper left open may keep the process
