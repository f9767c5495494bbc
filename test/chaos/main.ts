// Cuts many connections of real sockets: npm run chaos -- --runs 2000 --from 1
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Random } from "../../src/testing/index.ts";
import { writeLog } from "./log.ts";
import { drawPlan } from "./plans.ts";
import type { FaultKind } from "./proxy.ts";
import { ChaosServer, inLanes, runOnce } from "./run.ts";
import { LONG_SCRIPT, SHORT_SCRIPT, WIDE_SCRIPT } from "./script.ts";
import { describeFailure, Totals } from "./totals.ts";

const KINDS: readonly FaultKind[] = ["fin", "reset", "freeze"];
/** The scripts, the one that most runs play more often. */
const SCRIPTS = [SHORT_SCRIPT, SHORT_SCRIPT, LONG_SCRIPT, WIDE_SCRIPT];
const KEEP_ALIVE_MS = 200;
const CONNECT_MS = 500;
const REPORT_EVERY_MS = 10_000;

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "2000" },
    from: { type: "string", default: "1" },
    lanes: { type: "string", default: "8" },
    kinds: { type: "string", default: KINDS.join(",") },
    keep: { type: "string" },
  },
});
const count = wholeNumber("runs", values.runs);
const from = wholeNumber("from", values.from);
const lanes = wholeNumber("lanes", values.lanes);
const kinds = KINDS.filter((kind) => values.kinds.split(",").includes(kind));
if (kinds.length === 0) refuse(`Cannot use --kinds ${values.kinds}: expected some of ${KINDS.join(",")}`);

function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  return refuse(`Cannot use --${name} ${text}: must be a whole number from 1`);
}

function refuse(why: string): never {
  console.error(why);
  process.exit(2);
}

const server = await ChaosServer.start({ keepAliveMs: KEEP_ALIVE_MS, handshakeMs: 2 * CONNECT_MS });
const totals = new Totals();
const started = performance.now();
let reportAt = started + REPORT_EVERY_MS;

const measured = new Map(
  await Promise.all(
    SCRIPTS.map(async (size, index) => {
      const { bytes } = await runOnce(server, { run: `measure ${index}`, size, plan: [] });
      return [size, bytes] as const;
    }),
  ),
);

const seeds = Array.from({ length: count }, (_, index) => from + index);
await inLanes(seeds, lanes, async (seed) => {
  const random = new Random(seed);
  const size = random.pick(SCRIPTS);
  const plan = drawPlan(random, kinds, measured.get(size) ?? { clientToServer: 0, serverToClient: 0 });
  const result = await runOnce(server, { run: `seed ${seed}`, size, plan, connectMs: CONNECT_MS });
  totals.add(result);
  if (totals.failed.includes(result)) {
    console.log(describeFailure(result));
    if (values.keep !== undefined) {
      mkdirSync(values.keep, { recursive: true });
      writeFileSync(join(values.keep, `${seed}.jsonl`), writeLog(result.log));
    }
  }
  if (performance.now() > reportAt) {
    reportAt = performance.now() + REPORT_EVERY_MS;
    console.log(`${totals.runs} of ${count} runs, ${totals.failed.length} failed`);
  }
});
await server.close();

const seconds = ((performance.now() - started) / 1_000).toFixed(0);
// Some faults are planned for bytes that the rest of a run does not reach.
console.log(`${totals.describe(count)}; ${seconds} s`);
process.exitCode = totals.verdict(count) === "green" ? 0 : 1;
