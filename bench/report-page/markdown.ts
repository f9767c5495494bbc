import type { SavedRun } from "../saved.ts";
import { percent, readable } from "./numbers.ts";
import { configurationsOf, type Subject, subjectsOf } from "./subjects.ts";

/** A run as a Markdown document. */
export function toMarkdown(run: SavedRun): string {
  const subjects = subjectsOf(run);
  const groups = [...new Set(subjects.map(({ group }) => group))];
  const parts = [
    "# Figures of the benches",
    `Measured ${run.date}${run.quick ? " with `--quick`: short runs, a look rather than figures to keep" : ""}.  \n${run.runtime}.`,
    "A value is the median of the runs; `spread` is the range of their middle half. Runs of all contenders alternate. " +
      "`Tideway is` says how many times better Tideway is: above 1 is a win, for a latency as for a throughput.",
    ...groups.flatMap((group) => [
      `## ${group}`,
      ...subjects.filter((subject) => subject.group === group).map(describeSubject),
    ]),
    describeContenders(run),
  ];
  return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
}

function describeSubject({ id, name, unit, better, runs, entries, curve, target, met }: Subject): string {
  const rows = entries.map((entry) => [
    cell(entry.name),
    `${readable(entry.value)} ${unit}`,
    percent(entry.spread),
    entry.ratio === undefined ? "" : `${readable(entry.ratio)} x`,
  ]);
  const aim = target === undefined ? "" : ` Target: ${target}: ${met ? "met" : "**not met**"}.`;
  return `### ${id}: ${name}\n\n${runs} runs, ${better} is better.${aim}\n\n${table(["", "value", "spread", "Tideway is"], rows)}${describeCurve(curve)}`;
}

function describeCurve(curve: Subject["curve"]): string {
  if (curve === undefined) return "";
  const rows = curve.xs.map((x, index) => [
    readable(x),
    `${readable(curve.costs[index] as number)} ${curve.unit}`,
  ]);
  return `\n\n${table([curve.xName, "cost of one"], rows)}`;
}

function describeContenders(run: SavedRun): string {
  const versions = Object.entries(run.versions).map(([name, version]) => [cell(name), version]);
  const configurations = [...configurationsOf(run)].map(([name, text]) => [cell(name), cell(text)]);
  return [
    ...(configurations.length === 0
      ? []
      : ["## Contenders", table(["", "how it is set up"], configurations)]),
    ...(versions.length === 0 ? [] : ["## Versions", table(["package", "version"], versions)]),
  ].join("\n\n");
}

function table(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(heading), `|${heading.map(() => "---|").join("")}`, ...rows.map(line)].join("\n");
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}
