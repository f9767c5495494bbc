// Everything static: node scripts/check.mjs [step ...]
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { checkBundle } from "./check/bundle-budget.mjs";
import { checkPackage } from "./check/package.mjs";
import { FILE_PACKAGES, FORBIDDEN_NAMES, LAYERS } from "./check/rules.mjs";
import { run } from "./check/run.mjs";
import {
  findBadImports,
  findCycles,
  findForbiddenNames,
  findUndocumented,
  readSources,
} from "./check/sources.mjs";
import { checkTypes } from "./check/types.mjs";
import { ROOT } from "./paths.mjs";

/**
 * @typedef {object} Outcome
 * @property {string} [note] - a figure for the step's line
 * @property {string} [skipped] - why there was nothing to do
 * @property {readonly string[]} problems
 */

const sources = readSources(join(ROOT, "src"));
const files = `${sources.size} files`;
const whole = [
  "browser/index.ts",
  "node/index.ts",
  "node/client.ts",
  "testing/index.ts",
  "core/codecs/msgpack.ts",
  "core/schema/index.ts",
];
const missing = whole.filter((file) => !sources.has(file)).map((file) => `src/${file}`);

/** @type {Readonly<Record<string, () => Outcome | Promise<Outcome>>>} */
const STEPS = {
  lint: async () => {
    const { status, output } = await run(join(ROOT, "node_modules", ".bin", "biome"), [
      "check",
      "--colors=off",
      ".",
    ]);
    return { problems: status === 0 ? [] : [output] };
  },
  types: checkTypes,
  imports: () => ({ note: files, problems: findBadImports(sources, LAYERS, FILE_PACKAGES) }),
  cycles: () => ({ note: files, problems: findCycles(sources) }),
  names: () => ({ note: files, problems: findForbiddenNames(sources, FORBIDDEN_NAMES) }),
  comments: () => ({ note: files, problems: findUndocumented(sources) }),
  bundle: () =>
    existsSync(join(ROOT, "src/browser/index.ts"))
      ? checkBundle()
      : { skipped: "no src/browser/index.ts", problems: [] },
  package: () =>
    missing.length === 0 ? checkPackage() : { skipped: `no ${missing.join(", ")}`, problems: [] },
};

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !(name in STEPS));
if (unknown.length > 0) {
  console.error(`Cannot check ${unknown.join(", ")}: the steps are ${Object.keys(STEPS).join(", ")}`);
  process.exit(2);
}

let passed = 0;
let failed = 0;
let skipped = 0;
for (const [name, step] of Object.entries(STEPS)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const start = performance.now();
  /** @type {Outcome} */
  let outcome;
  try {
    outcome = await step();
  } catch (error) {
    outcome = { problems: [error instanceof Error ? (error.stack ?? error.message) : String(error)] };
  }
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  const bad = outcome.problems.length > 0;
  if (bad) failed++;
  else if (outcome.skipped === undefined) passed++;
  else skipped++;
  const word = bad ? "FAIL" : outcome.skipped === undefined ? "ok" : "skip";
  const note = outcome.skipped ?? outcome.note ?? "";
  console.log(`${word.padEnd(5)} ${name.padEnd(9)} ${seconds.padStart(5)} s  ${note}`.trimEnd());
  for (const problem of outcome.problems) console.log(problem.replace(/^/gm, "    "));
}

const counts = process.env["TIDEWAY_COUNTS"];
if (counts !== undefined) writeFileSync(counts, JSON.stringify({ passed, failed, skipped }));
process.exitCode = failed > 0 ? 1 : 0;
