import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { compileLz4, moduleText } from "../../scripts/wasm/compile.mjs";
import { inputOf, KINDS, makeInput } from "../../test/compression/inputs.ts";
import { compressed, compressorSuite } from "../../test/conformance/compressor.ts";
import { codeOf } from "../../test/refusal.ts";
import { lz4 } from "../core/compression/lz4.ts";
import { instantiateLz4 } from "./lz4-wasm.ts";

const wasm = instantiateLz4();

compressorSuite(wasm);

describe("LZ4 in WASM", () => {
  it("is what its source compiles to", async () => {
    const file = readFileSync(new URL("lz4-wasm-bytes.ts", import.meta.url), "utf8");
    expect(moduleText(await compileLz4())).toBe(file);
  }, 120_000);

  it("writes the same bytes as TypeScript, and reads them the same", () => {
    for (let index = 0; index < 600; index++) {
      const { bytes, kind } = inputOf(index);
      const block = compressed(lz4, bytes);
      expect(Buffer.compare(compressed(wasm, bytes), block), `${kind}, ${bytes.length} bytes`).toBe(0);
      expect(Buffer.compare(wasm.expand(block, bytes.length), bytes)).toBe(0);
    }
  });

  it("refuses what TypeScript refuses", () => {
    let refused = 0;
    for (const kind of Object.keys(KINDS)) {
      const source = makeInput(kind, 3_000, 1);
      const block = compressed(lz4, source);
      for (let at = 0; at < block.length; at += 3) {
        const bad = block.slice();
        bad[at] = (bad[at] as number) ^ (1 << (at % 8));
        const read = (compressor: typeof lz4) => {
          let bytes = "";
          const code = codeOf(() => {
            bytes = Buffer.from(compressor.expand(bad, 3_000)).toString("latin1");
          });
          return code + bytes;
        };
        const ours = read(wasm);
        expect(ours === read(lz4), `${kind}, byte ${at}`).toBe(true);
        if (!ours.startsWith("none")) refused++;
      }
    }
    expect(refused).toBeGreaterThan(200);
  });

  it("repeats every distance for every length around its blocks", () => {
    const literals = makeInput("binary", 600, 3);
    const end = literals.subarray(0, 5);
    for (let distance = 1; distance <= 50; distance++) {
      for (let count = 4; count <= 70; count++) {
        const match = count < 19 ? [] : [count - 19];
        const token = 0xf0 | Math.min(count - 4, 15);
        const head = [token, 255, 255, 600 - 15 - 510, ...literals, distance, 0, ...match, 0x50, ...end];
        const expected = [...literals];
        for (let i = 0; i < count; i++) expected.push(expected.at(-distance) as number);
        expected.push(...end);
        const found = wasm.expand(Uint8Array.from(head), expected.length);
        expect(Buffer.compare(found, Uint8Array.from(expected)), `${count} from ${distance}`).toBe(0);
      }
    }
  });

  it("starts over when its positions run out", () => {
    const source = makeInput("json", 1 << 20, 2);
    const first = compressed(wasm, source);
    const short = new Uint8Array(8);
    for (let i = 0; i < 1_000; i++) expect(wasm.compress(source, short)).toBe(0);
    expect(Buffer.compare(compressed(wasm, source), first)).toBe(0);
  });

  it("takes megabytes, and what is too long for it", () => {
    for (const length of [1_048_576, 3_000_000, 5_000_000]) {
      const source = makeInput("logs", length, 2);
      expect(Buffer.compare(wasm.expand(compressed(wasm, source), length), source)).toBe(0);
    }
  });
});
