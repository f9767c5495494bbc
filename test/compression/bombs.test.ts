import { execFileSync } from "node:child_process";
import { deflateRawSync } from "node:zlib";
import { expect, it } from "vitest";
import type { Bytes } from "../../src/core/bytes.ts";
import { lz4 } from "../../src/core/compression/lz4.ts";
import { maybeDecompress } from "../../src/core/compression/maybe-compress.ts";
import { codeOf } from "../refusal.ts";
import { implementations } from "./implementations.ts";
import { hasProgram } from "./tools.ts";

/** What comes out of each bomb, bytes; and what its record may have. */
const BOMB_BYTES = 256 << 20;
const RECORD_BYTES = 66_560;
const MOST_GROWTH_BYTES = 32 << 20;
const MOST_CPU_MS = 200;

/** A piece of zeros that says nothing of its length, which a compressor with streams makes. */
function zstdWithoutLength(): Buffer {
  const input = Buffer.alloc(32 << 20);
  return execFileSync("zstd", ["-c", "-q"], { input, maxBuffer: 1 << 26 });
}

/** An LZ4 block of one match that does not end before `length`. */
function lz4Bomb(length: number): Uint8Array {
  const bytes = new Uint8Array(length / 255 + 20).fill(255);
  bytes.set([0x1f, 0, 1, 0]);
  bytes.set([0, 0x50, 0, 0, 0, 0, 0], bytes.length - 7);
  return bytes;
}

const BOMBS: readonly (readonly [string, Uint8Array])[] = [
  ["lz4", lz4Bomb(BOMB_BYTES)],
  ["deflate", deflateRawSync(Buffer.alloc(BOMB_BYTES), { level: 9 })],
  ...(hasProgram("zstd") ? [["zstd", zstdWithoutLength()] as const] : []),
];

for (const { by, compressor } of await implementations())
  it(`a bomb ends in an error: ${compressor.name} by ${by}`, () => {
    const bombs = BOMBS.filter(([name]) => name === compressor.name);
    for (const [, bomb] of bombs)
      for (let i = 0; i < 3; i++) {
        const before = process.memoryUsage().rss;
        const start = process.cpuUsage();
        expect(codeOf(() => compressor.expand(bomb, RECORD_BYTES))).toBe("ERR_COMPRESS");
        const { user, system } = process.cpuUsage(start);
        expect((user + system) / 1_000).toBeLessThan(MOST_CPU_MS);
        expect(process.memoryUsage().rss - before).toBeLessThan(MOST_GROWTH_BYTES);
      }
  });

it("a block that says how long it will be is refused before it is read", () => {
  const block: Bytes = new Uint8Array([lz4.number, 0xc0, 0, 0, 1, 0, 0, 0, 0, ...lz4Bomb(4_096)]);
  const before = process.memoryUsage().arrayBuffers;
  expect(codeOf(() => maybeDecompress(block, { maxBytes: 2 ** 40 }))).toBe("ERR_COMPRESS");
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1 << 20);
});
