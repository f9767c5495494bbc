import { deflateRawSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { inputOf } from "../../../test/compression/inputs.ts";
import { compressorSuite } from "../../../test/conformance/compressor.ts";
import { codeOf } from "../../../test/refusal.ts";
import { deflate } from "./deflate.ts";
import { inflate } from "./inflate.ts";

compressorSuite(deflate());

describe("deflate()", () => {
  it("has levels 1 to 9", () => {
    for (const level of [0, 10, 1.5, Number.NaN]) expect(() => deflate(level)).toThrow(RangeError);
    expect(deflate(9).number).toBe(3);
  });
});

describe("inflate()", () => {
  const bytesOf = (hex: string) => Uint8Array.from(Buffer.from(hex, "hex"));

  it("reads what zlib writes, in every level and strategy", () => {
    for (let index = 0; index < 150; index++) {
      const { bytes, kind } = inputOf(index);
      for (const options of [{ level: index % 10 }, { strategy: 4 }, { strategy: 2 }])
        expect(Buffer.compare(inflate(deflateRawSync(bytes, options), bytes.length), bytes), kind).toBe(0);
    }
  });

  it.each([
    ["", "nothing"],
    ["07", "a block of an unknown kind"],
    ["01", "a length that is cut off"],
    ["010100fefe61", "a length that is not its complement"],
    ["010500faff6162", "stored bytes that are cut off"],
    ["03", "a code that is cut off"],
    ["030000", "something behind the last block"],
    ["fbff", "a code that does not exist"],
    ["4b0440", "a distance before the beginning"],
    ["05e0ffffffffffff", "lengths that are no code"],
    ["0500", "codes that are cut off"],
  ])("refuses %s: %s", (hex) => {
    expect(codeOf(() => inflate(bytesOf(hex), 10))).toBe("ERR_COMPRESS");
  });

  it("stops where the output ends", () => {
    const bomb = deflateRawSync(new Uint8Array(64 << 20), { level: 9 });
    const start = performance.now();
    expect(codeOf(() => inflate(bomb, 65_536))).toBe("ERR_COMPRESS");
    expect(performance.now() - start).toBeLessThan(200);
  });
});
