import { meetsTarget, toLine } from "../report.ts";
import type { SavedFigure, SavedRun } from "../saved.ts";
import { median, spread, timesBetter } from "../statistics.ts";

/** One contender's result. */
export interface Entry {
  readonly name: string;
  /** Median of the runs. */
  readonly value: number;
  /** Range of the middle half of the runs, as a share of the value. */
  readonly spread: number;
  /** How many times better Tideway is; `undefined` for Tideway itself. */
  readonly ratio?: number;
}

/** One thing that was measured, with everybody who did it. Tideway comes first. */
export interface Subject {
  readonly group: string;
  readonly id: string;
  readonly name: string;
  readonly unit: string;
  readonly better: "lower" | "higher";
  readonly runs: number;
  readonly entries: readonly Entry[];
  readonly target: string | undefined;
  /** The points that the figure was taken from, where that is a curve. */
  readonly curve: SavedFigure["curve"];
  /** Whether the target is met; `undefined` without one. */
  readonly met: boolean | undefined;
}

/** Gather the figures of a run by what was measured, in their order. */
export function subjectsOf({ figures }: SavedRun): Subject[] {
  const gathered = new Map<string, SavedFigure[]>();
  for (const figure of figures) {
    const key = JSON.stringify([figure.group, figure.id, figure.name]);
    gathered.set(key, [...(gathered.get(key) ?? []), figure]);
  }
  return [...gathered.values()].map(toSubject);
}

function toSubject(figures: readonly SavedFigure[]): Subject {
  const first = figures[0] as SavedFigure;
  const { group, id, name, unit, better, samples } = first;
  const aim = figures.find(({ target }) => target !== undefined);
  const ours = entryOf("tideway", samples);
  const peers = figures.flatMap(({ peer }) => {
    if (peer === undefined) return [];
    const entry = entryOf(peer.name, peer.samples);
    const ratio = timesBetter(better, ours.value, entry.value);
    return [Number.isFinite(ratio) ? { ...entry, ratio } : entry];
  });
  return {
    group,
    id,
    name,
    unit,
    better,
    runs: samples.length,
    entries: [ours, ...peers],
    target: aim === undefined ? undefined : (toLine(aim).target ?? undefined),
    curve: first.curve,
    met: aim === undefined ? undefined : meetsTarget(aim),
  };
}

function entryOf(name: string, samples: readonly number[]): Entry {
  return { name, value: median(samples), spread: spread(samples) };
}

/** How each contender was set up, by its name. */
export function configurationsOf({ figures }: SavedRun): Map<string, string> {
  const found = new Map<string, string>();
  for (const { peer } of figures) {
    if (peer?.configuration !== undefined) found.set(peer.name, peer.configuration);
  }
  return found;
}
