import type { Figure, Target } from "./harness.ts";
import { type Better, median, spread, timesBetter } from "./statistics.ts";

/** A figure in the form that programs read: one JSON object a line. */
export interface Line {
  readonly id: string;
  readonly name: string;
  /** Median of the runs. */
  readonly value: number;
  readonly unit: string;
  readonly peer: string | null;
  /** Median of the peer's runs. */
  readonly peerValue: number | null;
  /** How many times better than the peer: above 1 is always a win. */
  readonly ratio: number | null;
  readonly target: string | null;
  readonly runs: number;
  /** Range of the middle half of the runs, as a share of the value. */
  readonly spread: number;
}

/** Nothing is a multiple of 0. */
function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

/** Sum up a figure. */
export function toLine({ id, name, unit, better, samples, peer, target }: Figure): Line {
  const value = median(samples);
  const peerValue = peer === undefined ? null : median(peer.samples);
  return {
    id,
    name,
    value: round(value),
    unit,
    peer: peer?.name ?? null,
    peerValue: peerValue === null ? null : round(peerValue),
    ratio: peerValue === null ? null : finite(round(timesBetter(better, value, peerValue))),
    target: target === undefined ? null : describeTarget(target, better, unit, peer?.name),
    runs: samples.length,
    spread: round(spread(samples)),
  };
}

/** Whether a figure is as good as it should be; `undefined` when nothing is asked of it. */
export function meetsTarget(figure: Figure): boolean | undefined {
  const attained = attainment(figure);
  return attained === undefined ? undefined : attained >= 1;
}

/**
 * How much of its target a figure reaches: 1 is all of it, 0.5 half of it. Of a target in two parts, the part that is
 * further below. `undefined` when nothing is asked of it.
 */
export function attainment({ better, samples, peer, target }: Figure): number | undefined {
  if (target === undefined) return undefined;
  const value = median(samples);
  const parts: number[] = [];
  if (target.value !== undefined) parts.push(timesBetter(better, value, target.value));
  if (target.ratio !== undefined)
    parts.push(peer === undefined ? 0 : timesBetter(better, value, median(peer.samples)) / target.ratio);
  return Math.min(...parts);
}

function describeTarget({ value, ratio }: Target, better: Better, unit: string, peer = ""): string {
  const parts: string[] = [];
  if (ratio !== undefined) parts.push(`>= ${ratio} x ${peer}`);
  if (value !== undefined) parts.push(`${better === "higher" ? ">=" : "<="} ${readable(value)} ${unit}`);
  return parts.join(", ");
}

const COLUMNS = ["", "figure", "value", "spread", "peer", "ratio", "target", ""] as const;

/** The figures as a table with a verdict in each row. */
export function toTable(figures: readonly Figure[]): string {
  const rows = [[...COLUMNS], ...figures.map(toRow)];
  const widths = COLUMNS.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

function toRow(figure: Figure): string[] {
  const line = toLine(figure);
  const met = meetsTarget(figure);
  return [
    line.id,
    line.name,
    `${readable(line.value)} ${line.unit}`,
    `${Math.round(line.spread * 100)} %`,
    line.peerValue === null ? "" : `${line.peer} ${readable(line.peerValue)}`,
    line.ratio === null ? "" : `${readable(line.ratio)} x`,
    line.target ?? "",
    met === undefined ? "" : met ? "ok" : "BELOW",
  ];
}

/** Four significant digits are more than any of these figures has. */
function round(value: number): number {
  return Math.abs(value) >= 1_000 ? Math.round(value) : Number(value.toPrecision(4));
}

function readable(value: number): string {
  return value.toLocaleString("en-US", { maximumSignificantDigits: value >= 1_000 ? 21 : 4 });
}
