import { attainment, toLine } from "../report.ts";
import type { SavedFigure, SavedRun } from "../saved.ts";
import { percent, readable } from "./numbers.ts";
import { ROWS, type Row } from "./rows.ts";

/** A figure that has a target, as text. */
export interface Judged {
  readonly id: string;
  readonly group: string;
  readonly name: string;
  readonly target: string;
  readonly ours: string;
  readonly spread: string;
  /** The peer of the target, or the best one that there is; empty without one. */
  readonly peer: string;
  readonly ratio: string;
  /** How much of the target is reached: 1 and more is all of it. */
  readonly attained: number;
  /** Whether it was measured with short runs. */
  readonly quick: boolean;
}

/** What the figures say of one promise. */
export interface RowVerdict {
  readonly row: Row;
  /** All figures with a target, those furthest below it first. The first one decides. */
  readonly judged: readonly Judged[];
  readonly verdict: "met" | "short" | "not measured";
}

/** The verdict of every row, in their order. A row is met when each of its figures is. */
export function verdictsOf({ figures, quick }: SavedRun): RowVerdict[] {
  return ROWS.map((row) => {
    const judged = figures
      .filter(({ id, target }) => id === row.id && target !== undefined)
      .map((figure) => judge(figure, quick))
      .sort((a, b) => a.attained - b.attained);
    const [worst] = judged;
    const verdict = worst === undefined ? "not measured" : worst.attained >= 1 ? "met" : "short";
    return { row, judged, verdict };
  });
}

/** How many rows there are of a verdict, as one sentence. */
export function describeVerdicts(verdicts: readonly RowVerdict[]): string {
  const listed = (wanted: RowVerdict["verdict"]) =>
    verdicts.filter(({ verdict }) => verdict === wanted).map(({ row }) => row.id);
  const part = (heading: string, ids: readonly string[]) =>
    ids.length === 0 ? "" : ` ${heading}: ${ids.join(", ")}.`;
  const met = listed("met").length;
  return `${met} of ${verdicts.length} rows are met.${part("Short", listed("short"))}${part("Not measured", listed("not measured"))}`;
}

/** Cells of the table of verdicts: row, what, target, ours, best peer, ratio, verdict. */
export function verdictCells({ row, judged, verdict }: RowVerdict): readonly string[] {
  const [worst] = judged;
  if (worst === undefined) return [row.id, row.what, row.target, "", "", "", verdict];
  const short = judged.filter(({ attained }) => attained < 1).length;
  const count = judged.length === 1 || short === 0 ? verdict : `${verdict}: ${short} of ${judged.length}`;
  const where = `${worst.ours} (${worst.group}: ${worst.name})`;
  return [
    row.id,
    row.what,
    row.target,
    where,
    worst.peer,
    worst.ratio,
    worst.quick ? `${count} (quick)` : count,
  ];
}

function judge(figure: SavedFigure, quickRun: boolean): Judged {
  const line = toLine(figure);
  return {
    id: figure.id,
    group: figure.group,
    name: figure.name,
    target: line.target ?? "",
    ours: `${readable(line.value)} ${figure.unit}`,
    spread: percent(line.spread),
    peer: line.peerValue === null ? "" : `${line.peer} ${readable(line.peerValue)} ${figure.unit}`,
    ratio: line.ratio === null ? "" : `${readable(line.ratio)} x`,
    attained: attainment(figure) ?? Number.NaN,
    quick: figure.quick ?? quickRun,
  };
}
