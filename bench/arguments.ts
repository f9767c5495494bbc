import { type ParseArgsConfig, parseArgs } from "node:util";
import type { Bench } from "./harness.ts";
import { GROUPS } from "./registry.ts";

type Options = NonNullable<ParseArgsConfig["options"]>;

const COMMON = {
  quick: { type: "boolean", default: false },
  json: { type: "boolean", default: false },
  only: { type: "string" },
} as const satisfies Options;

/** Benches by the name of their group, in the order in which they run. */
export type Chosen = readonly (readonly [group: string, benches: readonly Bench[]])[];

/** Read which benches are asked for. Ends the process with 2 when there is no such bench. */
export function readBenchArguments<O extends Options>(more: O) {
  const { values, positionals } = attempt(() =>
    parseArgs({ allowPositionals: true, options: { ...COMMON, ...more } }),
  );
  const { only } = values as { only?: string };
  return { values, chosen: chooseBenches(positionals, only) };
}

function chooseBenches(asked: readonly string[], only: string | undefined): Chosen {
  const groups = asked.length > 0 ? asked : Object.keys(GROUPS);
  const unknown = groups.filter((name) => !Object.hasOwn(GROUPS, name));
  if (unknown.length > 0)
    fail(`Cannot bench ${unknown.join(", ")}: the groups are ${Object.keys(GROUPS).join(", ")}`);
  const ids = only?.split(",");
  const chosen = groups.map((name) => {
    const benches = GROUPS[name]!;
    return [name, ids === undefined ? benches : benches.filter(({ id }) => ids.includes(id))] as const;
  });
  if (chosen.every(([, benches]) => benches.length === 0)) {
    const known = groups.flatMap((name) => GROUPS[name]!.map(({ id }) => id));
    fail(`Cannot bench ${only}: the benches are ${[...new Set(known)].join(", ")}`);
  }
  return chosen;
}

/** What `action` gives; the process ends with 2 and the problem when it throws. */
export function attempt<T>(action: () => T): T {
  try {
    return action();
  } catch (error) {
    return fail((error as Error).message);
  }
}

/** End the process: what was asked cannot be done. */
export function fail(problem: string): never {
  console.error(problem);
  process.exit(2);
}
