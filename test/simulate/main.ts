// Runs many seeds: npm run simulate -- --seeds 100000 --from 1
import { parseArgs } from "node:util";
import { simulate } from "../../src/testing/index.ts";
import { describeShrunk, shrink } from "./shrink.ts";
import { Totals } from "./totals.ts";

/** Failing seeds that are made smaller and printed; more of them rarely say more. */
const MOST_SHRUNK = 3;
const REPORT_EVERY_MS = 10_000;

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "2000" },
    from: { type: "string", default: "1" },
    log: { type: "boolean", default: false },
  },
});
const from = wholeNumber("from", values.from);
const count = wholeNumber("seeds", values.seeds);

function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  console.error(`Cannot use --${name} ${text}: must be a whole number`);
  process.exit(2);
}

const start = performance.now();
let reportAt = start + REPORT_EVERY_MS;
const totals = new Totals();

for (let seed = from; seed < from + count; seed++) {
  const result = simulate(seed, { logLines: values.log ? 100_000 : 0 });
  totals.add(result);
  if (values.log) console.log(result.log.join("\n"));
  if (result.violation !== undefined) {
    console.log(`seed ${seed} failed: ${result.violation.split("\n")[0]}`);
    if (totals.failed.length <= MOST_SHRUNK) console.log(describeShrunk(shrink(seed)));
  }
  if (performance.now() > reportAt) {
    reportAt = performance.now() + REPORT_EVERY_MS;
    console.log(`${totals.seeds} of ${count} seeds, ${totals.failed.length} failed`);
  }
}

const seconds = (performance.now() - start) / 1_000;
const { user, system } = process.cpuUsage();
const cpuSeconds = (user + system) / 1_000_000;
const hours = (totals.virtualMs / 3_600_000).toFixed(0);
const faults = [...totals.faults.values()].reduce((sum, fired) => sum + fired, 0);
console.log(`faults: ${totals.describeFaults()}`);
console.log(`situations: ${totals.describeMarkers()}`);
console.log(
  `${totals.connections} connections, ${totals.resumes} resumes, ${totals.migrations} moves; hash ${totals.hash}`,
);
console.log(
  `${totals.operations} operations, ${totals.messages} messages, ${totals.bytes} bytes, ${hours} h of virtual time`,
);
if (totals.failed.length > 0) console.log(`failed seeds: ${totals.failed.map(({ seed }) => seed).join(" ")}`);
const rate = (totals.seeds / seconds).toFixed(0);
const coreRate = (totals.seeds / cpuSeconds).toFixed(0);
console.log(
  `${totals.seeds} seeds, ${totals.failed.length} failed, ${faults} faults, ${rate} seeds/s, ${coreRate} a second of one core`,
);
process.exitCode = totals.failed.length > 0 ? 1 : 0;
