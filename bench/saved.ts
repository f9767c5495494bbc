import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../scripts/paths.mjs";
import type { Figure } from "./harness.ts";

/** Where results are kept. */
export const RESULTS = join(ROOT, "bench", "results");

/** A figure with the group that it belongs to. */
export interface SavedFigure extends Figure {
  readonly group: string;
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
