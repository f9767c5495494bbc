// The page of a report, in the browser: a chart for each thing that was measured.
import uPlot from "uplot";
import type { SavedRun } from "../saved.ts";
import { compact, percent, readable } from "./numbers.ts";
import { configurationsOf, type Subject, subjectsOf } from "./subjects.ts";
import { describeVerdicts, verdictCells, verdictsOf } from "./verdicts.ts";

const WIDTH = 420;
const HEIGHT = 220;

const run = JSON.parse(document.getElementById("run")?.textContent ?? "") as SavedRun;
const main = document.getElementById("report") as HTMLElement;
const color = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

main.append(element("h1", "Figures of the benches"), element("p", `Measured ${run.date}. ${run.runtime}.`));
for (const { name, date, quick } of run.parts ?? [])
  main.append(element("p", `Run ${name} of ${date}${quick ? ", with --quick" : ""}.`, "quiet"));
if (run.quick) main.append(element("p", "With --quick: short runs, a look rather than figures to keep."));
drawVerdicts();
const subjects = subjectsOf(run);
for (const group of new Set(subjects.map((subject) => subject.group))) {
  const grid = element("div", "", "grid");
  main.append(element("h2", group), grid);
  for (const subject of subjects.filter((each) => each.group === group)) drawSubject(grid, subject);
}
describe("Contenders", configurationsOf(run));
describe("Versions", new Map(Object.entries(run.versions)));

function element(tag: string, text = "", className = ""): HTMLElement {
  const made = document.createElement(tag);
  made.textContent = text;
  made.className = className;
  return made;
}

function drawVerdicts(): void {
  const verdicts = verdictsOf(run);
  const frame = element("div", "", "scroll");
  const table = element("table", "", "verdicts");
  const addRow = (tag: string, cells: readonly string[], className = "") => {
    const line = element("tr");
    line.append(...cells.map((text, at) => element(tag, text, at === cells.length - 1 ? className : "")));
    table.append(line);
  };
  addRow("th", ["row", "what", "target", "ours", "best peer", "ratio", "verdict"]);
  for (const each of verdicts) addRow("td", verdictCells(each), each.verdict === "met" ? "met" : "missed");
  frame.append(table);
  main.append(element("h2", "Verdicts"), element("p", describeVerdicts(verdicts)), frame);
}

function drawSubject(grid: HTMLElement, subject: Subject): void {
  const { id, name, unit, better, entries, target, met } = subject;
  const card = element("section", "", "card");
  card.append(element("h3", `${id}: ${name}`), element("p", `${unit}, ${better} is better`, "quiet"));
  grid.append(card);
  if (subject.curve === undefined) drawBars(card, subject);
  else drawCurve(card, subject.curve);
  const list = element("ul");
  for (const { name: who, value, spread, ratio } of entries) {
    const against = ratio === undefined ? "" : `, Tideway is ${readable(ratio)} x`;
    list.append(element("li", `${who}: ${readable(value)} ${unit} (spread ${percent(spread)})${against}`));
  }
  card.append(list);
  if (target !== undefined) {
    card.append(element("p", `target ${target}: ${met ? "met" : "not met"}`, met ? "met" : "missed"));
  }
}

/** One bar a contender; Tideway in its own colour. */
function drawBars(card: HTMLElement, { entries }: Subject): void {
  const positions = entries.map((_, index) => index);
  const values = entries.map(({ value }) => value);
  const bars = uPlot.paths.bars?.({ size: [0.7, 60] });
  const only = (ours: boolean) => values.map((value, index) => ((index === 0) === ours ? value : null));
  const axis = {
    stroke: color("--text"),
    grid: { stroke: color("--line"), width: 1 },
    ticks: { show: false },
  };
  const series = (ours: boolean): uPlot.Series => ({
    fill: color(ours ? "--ours" : "--peer"),
    stroke: color(ours ? "--ours" : "--peer"),
    points: { show: false },
    ...(bars === undefined ? {} : { paths: bars }),
  });
  new uPlot(
    {
      width: WIDTH,
      height: HEIGHT,
      legend: { show: false },
      cursor: { show: false },
      scales: {
        x: { time: false, range: [-0.6, entries.length - 0.4] },
        y: { range: (_plot, _low, high) => [0, high * 1.08] },
      },
      axes: [
        {
          ...axis,
          grid: { show: false },
          splits: () => positions,
          values: () => entries.map(({ name }) => name),
        },
        { ...axis, size: 60, values: (_plot, splits) => splits.map(compact) },
      ],
      series: [{}, series(true), series(false)],
    },
    [positions, only(true), only(false)],
    card,
  );
}

/** What a unit costs, both axes logarithmic: a flat line is a cost that does not grow. */
function drawCurve(card: HTMLElement, { xs, costs, xName, unit }: NonNullable<Subject["curve"]>): void {
  const axis = plainAxis();
  const labels = (_plot: uPlot, splits: number[]) =>
    splits.map((value) => (value === null ? "" : compact(value)));
  const low = 10 ** Math.floor(Math.log10(Math.min(...costs)));
  const high = 10 ** Math.ceil(Math.log10(Math.max(...costs)) + 0.1);
  new uPlot(
    {
      width: WIDTH,
      height: HEIGHT,
      legend: { show: false },
      cursor: { show: false },
      scales: { x: { time: false, distr: 3 }, y: { distr: 3, range: [low, high] } },
      axes: [
        { ...axis, label: xName, values: labels },
        { ...axis, label: `${unit} each`, size: 60, values: labels },
      ],
      series: [
        {},
        { stroke: color("--ours"), width: 2, points: { show: true, size: 7, fill: color("--ours") } },
      ],
    },
    [[...xs], [...costs]],
    card,
  );
}

function plainAxis(): uPlot.Axis {
  return { stroke: color("--text"), grid: { stroke: color("--line"), width: 1 }, ticks: { show: false } };
}

function describe(heading: string, entries: ReadonlyMap<string, string>): void {
  if (entries.size === 0) return;
  const list = element("dl");
  for (const [name, text] of entries) list.append(element("dt", name), element("dd", text));
  main.append(element("h2", heading), list);
}
