import { describe, expect, it } from "vitest";
import { makeInput } from "../../../test/compression/inputs.ts";
import { compressorSuite } from "../../../test/conformance/compressor.ts";
import { codeOf } from "../../../test/refusal.ts";
import { compressLz4, expandLz4, lz4 } from "./lz4.ts";

compressorSuite(lz4);

const bytesOf = (hex: string) => Uint8Array.from(Buffer.from(hex, "hex"));

describe("compressLz4()", () => {
  it("keeps the end of a block: 5 literals, no match in the last 12 bytes", () => {
    for (let length = 13; length < 60; length++) {
      const into = new Uint8Array(100);
      const block = into.subarray(0, compressLz4(new Uint8Array(length), into));
      expect((block[block.length - 6] as number) >>> 4, `${length} bytes`).toBe(5);
    }
    const into = new Uint8Array(100);
    expect(compressLz4(new Uint8Array(12), into)).toBe(13);
  });

  it("passes over noise", () => {
    const source = makeInput("noise", 65_536, 1);
    expect(compressLz4(source, new Uint8Array(57_344))).toBe(0);
  });

  it("starts over when its positions run out", () => {
    const source = makeInput("json", 1 << 20, 2);
    const into = new Uint8Array(1 << 20);
    const first = compressLz4(source, into);
    for (let i = 0; i < 1_000; i++) expect(compressLz4(source, into.subarray(0, 8))).toBe(0);
    expect(compressLz4(source, into)).toBe(first);
    expect(Buffer.compare(lz4.expand(into.subarray(0, first), source.length), source)).toBe(0);
  });
});

describe("expandLz4()", () => {
  const into = () => new Uint8Array(300);

  it("reads what the format says", () => {
    expect(expandLz4(bytesOf("00"), into())).toBe(0);
    expect(expandLz4(bytesOf("506162636465"), into())).toBe(5);
    const out = into();
    expect(expandLz4(bytesOf("1f6101003050" + "6262626262"), out)).toBe(1 + 15 + 4 + 48 + 5);
    expect(Buffer.from(out.subarray(0, 73)).toString()).toBe("a".repeat(68) + "b".repeat(5));
  });

  it.each([
    ["", "nothing"],
    ["f0", "a length that is cut off"],
    ["f0ff", "a length that goes on"],
    ["2061", "literals that are cut off"],
    ["106100", "a distance that is cut off"],
    ["1061000000", "distance 0"],
    ["1061020000", "a distance before the beginning"],
    ["1f610100", "a match length that is cut off"],
    ["1f6101000a", "no literals at the end"],
    ["1f610100ffffff0000", "more than there is room for"],
  ])("refuses %s: %s", (hex) => {
    expect(codeOf(() => expandLz4(bytesOf(hex), into()))).toBe("ERR_COMPRESS");
  });

  it("does not add up a length that takes 100,000 bytes to say", () => {
    const bomb = new Uint8Array(100_000).fill(255);
    bomb[0] = 0x1f;
    bomb[2] = 1;
    bomb[3] = 0;
    expect(codeOf(() => expandLz4(bomb, into()))).toBe("ERR_COMPRESS");
  });
});
