import type { SavedRun } from "../saved.ts";
import { percent, readable } from "./numbers.ts";
import { configurationsOf, type Subject, subjectsOf } from "./subjects.ts";
import { describeVerdicts, type RowVerdict, verdictCells, verdictsOf } from "./verdicts.ts";

/** A run as a Markdown document: the verdicts first, then every figure. */
export function toMarkdown(run: SavedRun): string {
  const subjects = subjectsOf(run);
  const groups = [...new Set(subjects.map(({ group }) => group))];
  const verdicts = verdictsOf(run);
  const parts = [
    "# Figures of the benches",
    describeOrigin(run),
    "A value is the median of the runs; `spread` is the range of their middle half. Runs of all contenders alternate. " +
      "A ratio says how many times better Tideway is: above 1 is a win, for a latency as for a throughput.",
    "## Verdicts",
    describeVerdicts(verdicts),
    "Where a row has several figures, the one furthest below its target, or nearest to it, stands here and decides.",
    table(["row", "what", "target", "ours", "best peer", "ratio", "verdict"], verdicts.map(verdictRow)),
    "## Every figure with a target",
    table(["row", "group", "figure", "target", "ours", "spread", "peer", "ratio", ""], judgedRows(verdicts)),
    ...groups.flatMap((group) => [
      `## ${group}`,
      ...subjects.filter((subject) => subject.group === group).map(describeSubject),
    ]),
    describeContenders(run),
  ];
  return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
}

const QUICK_NOTE = " with `--quick`: short runs, a look rather than figures to keep";

function describeOrigin({ date, runtime, quick, parts }: SavedRun): string {
  if (parts === undefined) return `Measured ${date}${quick ? QUICK_NOTE : ""}.  \n${runtime}.`;
  const machines = [...new Set(parts.map((part) => part.runtime))];
  const lines = parts.map(
    (part) =>
      `- \`${part.name}\`, ${part.date}${part.quick ? QUICK_NOTE : ""}${machines.length > 1 ? `; ${part.runtime}` : ""}`,
  );
  const where = machines.length > 1 ? "" : `  \n${machines[0]}.`;
  return `Put together from ${parts.length} runs; of a bench that several have, the last one counts.${where}\n\n${lines.join("\n")}`;
}

function verdictRow(verdict: RowVerdict): readonly string[] {
  const cells = verdictCells(verdict).map(cell);
  return verdict.verdict === "met" ? cells : [...cells.slice(0, -1), `**${cells.at(-1)}**`];
}

function judgedRows(verdicts: readonly RowVerdict[]): (readonly string[])[] {
  return verdicts.flatMap(({ judged }) =>
    judged.map(({ id, group, name, target, ours, spread, peer, ratio, attained }) =>
      [id, group, name, target, ours, spread, peer, ratio, attained >= 1 ? "met" : "**short**"].map(cell),
    ),
  );
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
