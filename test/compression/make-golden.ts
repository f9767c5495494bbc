// Writes test/vectors/compression.json, once: node scripts/run-ts.mjs test/compression/make-golden.ts
import { writeFileSync } from "node:fs";
import { implementations } from "./implementations.ts";
import { makeInput } from "./inputs.ts";
import { TOOLS } from "./tools.ts";

const INPUTS = [
  ["json", 900],
  ["logs", 700],
  ["binary", 480],
  ["runs", 2_000],
  ["few values", 300],
  ["noise", 120],
  ["zeros", 66_000],
] as const;

const sources = INPUTS.map(([kind, length]) => makeInput(kind, length, 1));
const entries: object[] = [];

function add(compressor: string, by: string, blocks: readonly Uint8Array[]): void {
  for (const [i, [kind, length]] of INPUTS.entries())
    entries.push({
      name: `${kind}, ${length} bytes, by ${by}`,
      compressor,
      kind,
      length,
      base64: Buffer.from(blocks[i] as Uint8Array).toString("base64"),
    });
}

for (const { by, compressor } of await implementations())
  add(
    compressor.name,
    by,
    sources.map((source) => {
      const into = new Uint8Array(source.length * 2 + 100);
      return into.slice(0, compressor.compress(source, into));
    }),
  );
for (const tool of TOOLS) add(tool.compressor, `the program ${tool.program}`, tool.compress(sources));
writeFileSync("test/vectors/compression.json", `${JSON.stringify(entries, undefined, 2)}\n`);
