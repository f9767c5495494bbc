// Writes test/vectors/compression-hostile.json: node scripts/run-ts.mjs test/compression/make-corpus.ts
import { writeFileSync } from "node:fs";
import { deflateRawSync } from "node:zlib";
import type { Compressor } from "../../src/core/compression/compressor.ts";
import { outcomeOf } from "./corpus.ts";
import { type Implementation, implementations } from "./implementations.ts";
import { makeInput } from "./inputs.ts";
import { TOOLS } from "./tools.ts";

interface Hostile {
  readonly name: string;
  readonly block: Uint8Array;
  /** What the record says that comes out. */
  readonly length: number;
}

const hex = (text: string) => Uint8Array.from(Buffer.from(text, "hex"));
const all = await implementations();

/** The block that the first implementation of a compressor makes. */
function blockOf(compressor: string, source: Uint8Array): Uint8Array {
  const { compressor: writer } = all.find((one) => one.compressor.name === compressor) as Implementation;
  const into = new Uint8Array(source.length * 2 + 100);
  return into.slice(0, writer.compress(source, into));
}

/** Blocks cut off, with bits flipped, with bytes lost, doubled, and behind the end. */
function* spoiled(compressor: string): Generator<Hostile> {
  for (const [kind, length] of [
    ["json", 300],
    ["runs", 900],
    ["few values", 120],
  ] as const) {
    const good = blockOf(compressor, makeInput(kind, length, 3));
    const at = (part: number) => Math.floor(good.length * part);
    for (const part of [0.02, 0.3, 0.6, 0.95])
      yield { name: `${kind}, cut off at ${part}`, block: good.slice(0, at(part)), length };
    yield { name: `${kind}, without its last byte`, block: good.slice(0, -1), length };
    yield { name: `${kind}, and a byte behind it`, block: Uint8Array.of(...good, 0x41), length };
    yield { name: `${kind}, twice`, block: Uint8Array.of(...good, ...good), length };
    yield { name: `${kind}, a byte lost`, block: good.filter((_, i) => i !== at(0.5)), length };
    for (let i = 0; i < 12; i++) {
      const block = good.slice();
      const where = i < 6 ? i : at(i / 12);
      block[where] = (block[where] as number) ^ (1 << (i % 8));
      yield { name: `${kind}, bit ${i % 8} of byte ${where} flipped`, block, length };
    }
    for (const wrong of [length - 1, length + 1, 1, 65_536])
      yield { name: `${kind}, said to be ${wrong} bytes`, block: good, length: wrong };
  }
}

/** A match of LZ4 that goes on for `bytes`. */
function longMatch(bytes: number): Uint8Array {
  const block = new Uint8Array(Math.floor(bytes / 255) + 20).fill(255);
  block.set(hex("1f000100"));
  block.set(hex("00500000000000"), block.length - 7);
  return block;
}

const ZEROS = new Uint8Array(4 << 20);
const zstd = TOOLS.find(({ program }) => program === "zstd");
if (zstd === undefined) throw new Error("Cannot make bombs: there is no zstd");
const [zstdBomb, zstdSmall] = zstd.compress([ZEROS, makeInput("json", 300, 3)]) as [Uint8Array, Uint8Array];

/** What no compressor writes. */
const CRAFTED: Readonly<Record<string, readonly Hostile[]>> = {
  lz4: [
    { name: "nothing", block: hex(""), length: 10 },
    { name: "a bomb of 255 to 1", block: longMatch(300_000), length: 65_536 },
    { name: "literals without end", block: new Uint8Array(2_000).fill(255), length: 65_536 },
    { name: "a length beyond 2^32", block: hex(`f0${"ff".repeat(3_000)}00`), length: 65_536 },
    { name: "distance 0", block: hex("1061000050" + "6262626262"), length: 10 },
    { name: "distance before the beginning", block: hex("1061020050" + "6262626262"), length: 10 },
    { name: "the farthest distance", block: hex("1061ffff50" + "6262626262"), length: 10 },
    { name: "no literals at the end", block: hex("1f6101000a"), length: 30 },
    { name: "a match length that is cut off", block: hex("1f610100ff"), length: 300 },
    { name: "literals longer than the block", block: hex("e061"), length: 14 },
  ],
  deflate: [
    { name: "nothing", block: hex(""), length: 10 },
    { name: "a bomb of 1,000 to 1", block: deflateRawSync(ZEROS, { level: 9 }), length: 65_536 },
    { name: "an unknown kind of block", block: hex("07"), length: 10 },
    { name: "a stored length without its complement", block: hex("010100fefe61"), length: 1 },
    { name: "stored bytes that are cut off", block: hex("010500faff6162"), length: 5 },
    { name: "empty stored blocks without end", block: hex("000000ffff".repeat(400)), length: 10 },
    { name: "a code that does not exist", block: hex("fbff"), length: 10 },
    { name: "a distance before the beginning", block: hex("4b0440"), length: 10 },
    { name: "lengths that are no code", block: hex("05e0ffffffffffff"), length: 10 },
    { name: "something behind the last block", block: hex("030000"), length: 0 },
    { name: "a header of zlib", block: hex("789c4b4c4a0600024d0127"), length: 3 },
  ],
  zstd: [
    { name: "nothing", block: hex(""), length: 10 },
    { name: "a bomb that says how long it is", block: zstdBomb, length: 65_536 },
    {
      name: "a frame that says 2^60 bytes",
      block: hex("28b52ffde000000000000000100100006161"),
      length: 65_536,
    },
    { name: "a window of 2^41 bytes", block: hex("28b52ffd00f80300006161"), length: 10 },
    { name: "a window of 128 MiB", block: hex("28b52ffd0088010000"), length: 0 },
    { name: "a block of one byte, 2 MiB times", block: hex("28b52ffd0058030010" + "61"), length: 65_536 },
    { name: "a dictionary", block: hex("28b52ffd2301020a010000"), length: 10 },
    { name: "a frame to skip, and nothing else", block: hex("502a4d180400000061626364"), length: 0 },
    { name: "a frame to skip of 4 GiB", block: hex("502a4d18ffffffff61"), length: 10 },
    { name: "two frames", block: Uint8Array.of(...zstdSmall, ...zstdSmall), length: 600 },
    { name: "the magic alone", block: hex("28b52ffd"), length: 10 },
    { name: "a reserved bit", block: hex("28b52ffd280a010000"), length: 10 },
    { name: "a reserved kind of block", block: hex("28b52ffd200a570000"), length: 10 },
    { name: "a format of long ago", block: hex("27b52ffd200a510000"), length: 10 },
  ],
};

/** What all implementations make of a block. @throws when one of them does what none may, or they differ. */
function agreed({ name, block, length }: Hostile, readers: readonly Compressor[]): string {
  const outcomes = readers.map((reader) => outcomeOf(reader, block, length));
  const [outcome] = outcomes;
  if (outcome === undefined || outcome.startsWith("broken") || new Set(outcomes).size > 1)
    throw new Error(`${readers[0]?.name}, ${name}: ${outcomes.join("; ")}`);
  return outcome;
}

const entries = Object.entries(CRAFTED).flatMap(([compressor, crafted]) => {
  const readers = all.filter((one) => one.compressor.name === compressor).map((one) => one.compressor);
  return [...crafted, ...spoiled(compressor)].map((hostile) => ({
    name: hostile.name,
    compressor,
    length: hostile.length,
    base64: Buffer.from(hostile.block).toString("base64"),
    outcome: agreed(hostile, readers),
  }));
});
writeFileSync("test/vectors/compression-hostile.json", `${JSON.stringify(entries, undefined, 2)}\n`);
for (const outcome of ["refused", "bytes"])
  console.log(outcome, entries.filter((entry) => entry.outcome.startsWith(outcome)).length);
