import type { SavedFigure } from "./saved.ts";
import { type Change, compareSamples, timesBetter } from "./statistics.ts";

/** A figure that two runs have. */
export interface Comparison {
  readonly figure: SavedFigure;
  readonly before: SavedFigure;
  readonly change: Change;
}

/** What tells a figure of one run from the others. */
function keyOf({ group, id, name, peer }: SavedFigure): string {
  return JSON.stringify([group, id, name, peer?.name]);
}

/**
 * What is compared: times better than the peer, run by run, because a busy machine slows both; the value itself where
 * there is no peer.
 */
function comparable({ better, samples, peer }: SavedFigure): readonly number[] {
  return peer === undefined
    ? samples
    : samples
        .map((value, run) => timesBetter(better, value, peer.samples[run] ?? Number.NaN))
        .filter(Number.isFinite);
}

/** Compare the figures that both runs have. */
export function compareRuns(before: readonly SavedFigure[], after: readonly SavedFigure[]): Comparison[] {
  const earlier = new Map(before.map((figure) => [keyOf(figure), figure]));
  return after.flatMap((figure) => {
    const old = earlier.get(keyOf(figure));
    if (old === undefined) return [];
    const better = figure.peer === undefined ? figure.better : "higher";
    return [{ figure, before: old, change: compareSamples(better, comparable(old), comparable(figure)) }];
  });
}

/** One line a comparison. */
export function describeComparisons(comparisons: readonly Comparison[]): string {
  return comparisons
    .map(({ figure, change }) => {
      const percent = (change.timesBetter - 1) * 100;
      const by = `${percent >= 0 ? "+" : ""}${percent.toFixed(1)} %`;
      const against = figure.peer === undefined ? "" : ` (against ${figure.peer.name})`;
      const chance = change.chance < 0.01 ? "< 1 %" : `${Math.round(change.chance * 100)} %`;
      return `${change.verdict.padEnd(6)}  ${by.padStart(8)}  chance ${chance.padStart(5)}  ${figure.group} ${figure.id} ${figure.name}${against}`;
    })
    .join("\n");
}
