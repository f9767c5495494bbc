import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../scripts/paths.mjs";
import type { Figure } from "./harness.ts";

/** Where results are kept. */
export const RESULTS = join(ROOT, "bench", "results");

/** A figure with the group that it belongs to. */
export interface SavedFigure extends Figure {
  readonly group: string;
  /** Whether its runs were short, where that is not the same for all figures. */
  readonly quick?: boolean;
}

/** One of several runs that a report was made of. */
export interface RunPart {
  readonly name: string;
  readonly date: string;
  readonly runtime: string;
  readonly quick: boolean;
}

/** One run of the benches with all its samples. */
export interface SavedRun {
  /** ISO 8601. */
  readonly date: string;
  /** Runtime, system and processor. */
  readonly runtime: string;
  /** Versions of what was compared with. */
  readonly versions: Readonly<Record<string, string>>;
  readonly quick: boolean;
  readonly figures: readonly SavedFigure[];
  /** The runs that it was put together from, where there are several. */
  readonly parts?: readonly RunPart[];
}

/** @throws {RangeError} when `name` is no name for a file. */
function pathOf(name: string): string {
  if (!/^[\w.-]+$/.test(name) || name.startsWith(".")) {
    throw new RangeError(
      `Cannot use ${JSON.stringify(name)} as name of a run: letters, digits, - and _ only`,
    );
  }
  return join(RESULTS, `${name}.json`);
}

/** Keep a run under a name; one of that name is replaced. @returns the path of its file. */
export function saveRun(name: string, run: SavedRun): string {
  const path = pathOf(name);
  mkdirSync(RESULTS, { recursive: true });
  writeFileSync(path, `${JSON.stringify(run, null, 1)}\n`);
  return path;
}

/**
 * Read a run that was kept.
 * @throws {RangeError} when there is none of that name.
 */
export function loadRun(name: string): SavedRun {
  const path = pathOf(name);
  if (!existsSync(path)) throw new RangeError(`Cannot find run ${name}: there is no ${path}`);
  return JSON.parse(readFileSync(path, "utf8")) as SavedRun;
}

/**
 * Put runs together: of a bench that several of them have, the last one counts.
 * @throws {RangeError} when there is no run.
 */
export function mergeRuns(runs: readonly (readonly [name: string, run: SavedRun])[]): SavedRun {
  const last = runs.at(-1)?.[1];
  if (last === undefined) throw new RangeError("Cannot put runs together: there is none");
  if (runs.length === 1) return last;
  const benches = new Map<string, readonly SavedFigure[]>();
  for (const [, { figures, quick }] of runs) {
    const own = new Map<string, SavedFigure[]>();
    for (const figure of figures) {
      const key = `${figure.group} ${figure.id}`;
      own.set(key, [...(own.get(key) ?? []), { ...figure, quick: figure.quick ?? quick }]);
    }
    for (const [key, all] of own) benches.set(key, all);
  }
  return {
    ...last,
    versions: Object.assign({}, ...runs.map(([, { versions }]) => versions)),
    quick: runs.every(([, { quick }]) => quick),
    figures: [...benches.values()].flat(),
    parts: runs.map(([name, { date, runtime, quick }]) => ({ name, date, runtime, quick })),
  };
}
