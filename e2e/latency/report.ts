import { execFileSync } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { cpus, totalmem } from "node:os";
import { join } from "node:path";
import type { Browser } from "@playwright/test";
import { build } from "esbuild";
import { median } from "../../bench/statistics.ts";
import { requireDeno } from "../../scripts/deno.mjs";
import { ROOT } from "../../scripts/paths.mjs";
import type { Bar } from "./chart.ts";
import { type Group, type Plan, type Row, ratioOf, spreadOf } from "./measure.ts";

const FOLDER = join(ROOT, "e2e", "results");
const CHART = "latency.svg";

/** Write e2e/results/latency.md and its chart. @param browser - in which the chart is drawn */
export async function writeReport(browser: Browser, plan: Plan, groups: readonly Group[]): Promise<void> {
  await mkdir(FOLDER, { recursive: true });
  const chart = await drawChart(browser, barsOf(groups));
  await writeFile(join(FOLDER, CHART), `${chart}\n`);
  await writeFile(join(FOLDER, "latency.md"), renderReport(groups, plan, versions(browser)));
}

/** The report in Markdown. */
export function renderReport(
  groups: readonly Group[],
  plan: Plan,
  about: { readonly programs: string; readonly machine: string; readonly date: string },
): string {
  return `# Latency in a browser

One run of \`npm run latency\` on ${about.date}: ${about.programs}.
${about.machine}.

Tideway and the bare API of the browser, in the same page against the same server process, in turn. Each figure is the
median of ${plan.rounds} rounds; the ratio is the median of the ratios of the rounds, Tideway to bare, and the spread is the range of
their middle half, as a share of it. A round has ${plan.echoes.toLocaleString("en")} round trips of 64 B of each kind, in blocks of 20, and there were
${plan.warmUp.toLocaleString("en")} before the first one: until then the browser compiles what it runs, of which Tideway has more. The first ones
of the page are in rows of their own. Above 20 % of spread the machine was busy with something else.

![p50 and p99 of Tideway and of the bare API, for each transport](${CHART})

${groups.map(renderGroup).join("\n\n")}

- A message and a call of Tideway are compared with the same: 64 B to the server and back, on a connection that is open.
  A call opens a stream, names its method, has a deadline and is answered by a handler whose input is validated.
- For the transfers, both leave up to 1 MiB in the buffer of a WebSocket. Over WebTransport the bare peer has a stream
  for the transfer and another one for the messages; Tideway has one stream for everything.
- During a transfer one message of 64 B goes every 5 ms, whether the last one is back or not.
- For a latency a ratio below 1 is better than the bare API, for a throughput one above 1.
`;
}

function renderGroup({ name, rows }: Group): string {
  return [
    `## ${name}`,
    "",
    "| what | Tideway | bare | ratio | spread | target |",
    "|---|---|---|---|---|---|",
    ...rows.map(renderRow),
  ].join("\n");
}

function renderRow(row: Row): string {
  const { name, unit, tideway, bare, target } = row;
  const figure = (values: readonly number[]) => `${formatFigure(median(values))} ${unit}`;
  const ratio = ratioOf(row);
  const met = target === undefined ? "" : `<= ${target}: ${ratio <= target ? "met" : "short"}`;
  const cells = [
    name,
    figure(tideway),
    figure(bare),
    ratio.toFixed(2),
    `${(spreadOf(row) * 100).toFixed(0)} %`,
    met,
  ];
  return `| ${cells.join(" | ")} |`;
}

function formatFigure(value: number): string {
  return value.toFixed(value < 10 ? 3 : value < 100 ? 1 : 0);
}

/** Medians of the rows that are latencies, in pairs of p50 and p99. */
function barsOf(groups: readonly Group[]): Bar[] {
  return groups.flatMap(({ name: group, rows }) =>
    rows
      .filter(({ name }) => name.endsWith(", p50") && !name.startsWith("the first"))
      .flatMap((row) => {
        const measure = row.name.replace(", p50", "");
        const last = rows.find(({ name }) => name === `${measure}, p99`) ?? row;
        return (["tideway", "bare"] as const).map((who) => ({
          group,
          measure,
          who: who === "tideway" ? "Tideway" : who,
          p50: median(row[who]),
          p99: median(last[who]),
        }));
      }),
  );
}

/** Draw in a page: the library needs a document. */
async function drawChart(browser: Browser, bars: Bar[]): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(ROOT, "e2e/latency/chart.ts")],
    write: false,
    bundle: true,
    format: "iife",
    target: "es2022",
  });
  const page = await browser.newPage();
  try {
    await page.addScriptTag({ content: outputFiles[0]?.text ?? "" });
    return await page.evaluate((given) => window.drawLatencies(given), bars);
  } finally {
    await page.close();
  }
}

function versions(browser: Browser) {
  const deno = execFileSync(requireDeno(), ["--version"], { encoding: "utf8" }).match(/\d+\.\d+\.\d+/)?.[0];
  const { length: cores } = cpus();
  const gigahertz = cpus()[0]?.model.match(/[\d.]+GHz/)?.[0] ?? "";
  return {
    programs: `Chromium ${browser.version()}, Node ${process.versions.node}, Deno ${deno}`,
    machine: `${process.platform}-${process.arch}, ${cores} cores ${gigahertz}, ${Math.round(totalmem() / 2 ** 30)} GiB`,
    date: new Date().toISOString().slice(0, 10),
  };
}
