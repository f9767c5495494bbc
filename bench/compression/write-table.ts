// Writes the figures of docs/compression.md, from a run that was kept with `--save compression`, or from several that
// were kept one after the other: node scripts/run-ts.mjs bench/compression/write-table.ts [run ...]
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../../scripts/paths.mjs";
import { loadRun, mergeRuns, type SavedFigure } from "../saved.ts";
import { median, timesBetter } from "../statistics.ts";

const BEGIN = "<!-- figures: node scripts/run-ts.mjs bench/compression/write-table.ts -->\n";
const END = "<!-- end of figures -->\n";

/** `json, 1 MiB: lz4, WASM (3.43 : 1), expand`, in its parts. */
const NAME = /^(.*): (.*) \((.*) : 1\), (compress|expand)$/;

const names = process.argv.length > 2 ? process.argv.slice(2) : ["compression"];
const run = mergeRuns(names.map((name) => [name, loadRun(name)] as const));
const rows = new Map<string, { readonly ratio: string; compress?: SavedFigure; expand?: SavedFigure }>();
for (const figure of run.figures) {
  const [, input, name, ratio, direction] = NAME.exec(figure.name) ?? [];
  if (input === undefined) continue;
  const key = `${input} | ${name}`;
  const row = rows.get(key) ?? { ratio: ratio as string };
  row[direction as "compress" | "expand"] = figure;
  rows.set(key, row);
}

function speed(figure: SavedFigure | undefined): string {
  if (figure === undefined) return "|";
  const value = median(figure.samples);
  const { peer } = figure;
  const beside =
    peer === undefined
      ? ""
      : `${peer.name}: ${timesBetter("higher", value, median(peer.samples)).toFixed(2)} x`;
  return `${value.toFixed(0)} | ${beside}`;
}

const algorithms = [...rows].map(
  ([key, { compress, expand, ratio }]) => `| ${key} | ${ratio} | ${speed(compress)} | ${speed(expand)} |`,
);
const sessions = run.figures
  .filter(({ id }) => id === "compression")
  .map(({ name, peer, samples }) => {
    const value = median(samples);
    const beside = peer === undefined ? "" : timesBetter("higher", value, median(peer.samples)).toFixed(2);
    return `| ${name} | ${Math.round(value).toLocaleString("en-US")} | ${beside} |`;
  });

const inVain = run.figures
  .filter(({ id }) => id === "in-vain")
  .map(({ name, samples }) => `| ${name} | ${median(samples).toFixed(2)} |`);

const text = `Measured on ${run.date.slice(0, 10)} with ${run.runtime}: a virtual machine that other work shared, so the figures are
for CPU time. Medians of ${run.figures[0]?.samples.length} runs${run.quick ? ", which were short" : ""}. \`npm run bench -- compression\` measures again.

| input | compressor | shorter, times | compress, MB/s | times the best of the field | expand, MB/s | times the best of the field |
|---|---|---|---|---|---|---|
${algorithms.join("\n")}

The field: \`lz4js\`, \`lz4-wasm-nodejs\` and, as fast as LZ4 means to be, \`snappy\`; \`pako\` and \`fflate\`, both at level 4.

A session in memory, both sides in one thread, so that there is no network whose time could be saved:

| messages | a second | times uncompressed |
|---|---|---|
${sessions.join("\n")}

What it takes to find out that nothing shrinks, after the first 32 records: both sides in one thread as above, a message a
task, tries and looks at what passes untried together. It should be 2 % at most.

| | % of the session's time |
|---|---|
${inVain.join("\n")}
`;

const path = join(ROOT, "docs/compression.md");
const document = readFileSync(path, "utf8");
const [before, rest] = document.split(BEGIN);
const after = rest?.split(END)[1];
if (before === undefined || after === undefined) throw new Error("Cannot find the place of the figures");
writeFileSync(path, `${before}${BEGIN}\n${text}\n${END}${after}`);
console.log(`Wrote ${algorithms.length + sessions.length + inVain.length} rows`);
