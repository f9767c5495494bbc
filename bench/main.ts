// The benches: npm run bench -- [group ...] [--quick] [--json] [--only P3,P4]
import { parseArgs } from "node:util";
import { type Bench, type Figure, FULL_PLAN, QUICK_PLAN } from "./harness.ts";
import { GROUPS } from "./registry.ts";
import { describeRuntime, toLine, toTable } from "./report.ts";

const { values, positionals } = readArguments();
const plan = values.quick ? QUICK_PLAN : FULL_PLAN;
const groups = positionals.length > 0 ? positionals : Object.keys(GROUPS);

const unknown = groups.filter((name) => !Object.hasOwn(GROUPS, name));
if (unknown.length > 0)
  fail(`Cannot bench ${unknown.join(", ")}: the groups are ${Object.keys(GROUPS).join(", ")}`);

const asked = values.only?.split(",");
const chosen = groups.map((name) => [name, choose(GROUPS[name]!)] as const);
if (chosen.every(([, benches]) => benches.length === 0)) {
  const ids = groups.flatMap((name) => GROUPS[name]!.map(({ id }) => id));
  fail(`Cannot bench ${values.only}: the benches are ${[...new Set(ids)].join(", ")}`);
}

if (!values.json) console.log(describeRuntime());
for (const [name, benches] of chosen) {
  const figures: Figure[] = [];
  for (const bench of benches) figures.push(...(await measure(bench)));
  if (!values.json && figures.length > 0) console.log(`\n${name}\n${toTable(figures)}`);
}
process.exit(); // with what `measure` has set; nothing that a bench left open may keep the process

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        quick: { type: "boolean", default: false },
        json: { type: "boolean", default: false },
        only: { type: "string" },
      },
    });
  } catch (error) {
    return fail((error as Error).message);
  }
}

function choose(benches: readonly Bench[]): readonly Bench[] {
  return asked === undefined ? benches : benches.filter(({ id }) => asked.includes(id));
}

/** The figures of a bench; one that fails is told of, and the others go on. */
async function measure(bench: Bench): Promise<readonly Figure[]> {
  try {
    const figures = await bench.run(plan);
    if (values.json) for (const figure of figures) console.log(JSON.stringify(toLine(figure)));
    return figures;
  } catch (error) {
    console.error(`${bench.id} failed:`, error);
    process.exitCode = 1;
    return [];
  }
}

function fail(problem: string): never {
  console.error(problem);
  process.exit(2);
}
