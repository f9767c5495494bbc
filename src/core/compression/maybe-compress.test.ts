import { describe, expect, it } from "vitest";
import { inputOf, makeInput } from "../../../test/compression/inputs.ts";
import { codeOf } from "../../../test/refusal.ts";
import { lz4 } from "./lz4.ts";
import { DEFAULT_MAX_BYTES, maybeCompress, maybeDecompress } from "./maybe-compress.ts";

const bytesOf = (hex: string) => Uint8Array.from(Buffer.from(hex, "hex"));

describe("maybeCompress()", () => {
  it("says whether it compressed, and maybeDecompress() gives back everything", () => {
    const seen = new Set<boolean>();
    for (let index = 0; index < 200; index++) {
      const { bytes } = inputOf(index);
      const result = maybeCompress(bytes);
      seen.add(result.compressed);
      expect(result.bytes[0]).toBe(result.compressed ? lz4.number : 0);
      expect(result.bytes.length).toBeLessThanOrEqual(bytes.length + 1);
      expect(Buffer.compare(maybeDecompress(result.bytes), bytes)).toBe(0);
    }
    expect(seen.size).toBe(2);
  });

  it("leaves short input alone: below 128 bytes unless told otherwise", () => {
    const long = makeInput("zeros", 128, 1);
    const short = long.subarray(1);
    expect(maybeCompress(short).compressed).toBe(false);
    expect(maybeCompress(long).compressed).toBe(true);
    expect(maybeCompress(short, { thresholdBytes: 64 }).compressed).toBe(true);
    expect(maybeCompress(long, { thresholdBytes: 129 }).compressed).toBe(false);
    for (const thresholdBytes of [63, 65_537, 100.5, Number.NaN])
      expect(() => maybeCompress(long, { thresholdBytes })).toThrow(RangeError);
  });

  it("leaves alone what shrinks by less than an eighth", () => {
    const source = makeInput("noise", 4_000, 1);
    for (const [zeros, compressed] of [
      [200, false],
      [800, true],
    ] as const) {
      const mixed = source.slice();
      mixed.fill(0, 0, zeros);
      expect(maybeCompress(mixed).compressed, `${zeros} zeros`).toBe(compressed);
    }
  });

  it("leaves alone what the other side would take for a bomb", () => {
    expect(maybeCompress(new Uint8Array(100_000)).compressed).toBe(true);
    expect(maybeCompress(new Uint8Array(5_000_000)).compressed).toBe(false);
  });

  it("compresses what is longer than any record", () => {
    const source = makeInput("json", 3_000_000, 4);
    const { bytes, compressed } = maybeCompress(source);
    expect(compressed).toBe(true);
    expect(Buffer.compare(maybeDecompress(bytes), source)).toBe(0);
  });
});

describe("maybeDecompress()", () => {
  const maxBytes = 1_000;

  it.each([
    ["", "ERR_COMPRESS", "nothing"],
    ["01", "ERR_PROTOCOL", "no length"],
    ["0105", "ERR_COMPRESS", "no data"],
    ["010000", "ERR_COMPRESS", "the length 0"],
    ["0143e9" + "00", "ERR_COMPRESS", "1,001 bytes"],
    ["01bfffffff" + "00", "ERR_COMPRESS", "a gigabyte"],
    ["01ffffffffffffffff00", "ERR_PROTOCOL", "a length that is no number"],
    ["0105" + "106100", "ERR_COMPRESS", "a malformed block"],
    ["0104" + "506162636465", "ERR_COMPRESS", "more than it says"],
    ["0106" + "506162636465", "ERR_COMPRESS", "less than it says"],
    ["0205" + "506162636465", "ERR_PROTOCOL", "a compressor that is not allowed"],
    ["1005" + "506162636465", "ERR_PROTOCOL", "no compressor"],
  ])("refuses %s with %s: %s", (hex, code) => {
    expect(codeOf(() => maybeDecompress(bytesOf(hex), { maxBytes }))).toBe(code);
  });

  it("takes no more than it is allowed, compressed or not", () => {
    const source = makeInput("json", 1_001, 1);
    for (const block of [maybeCompress(source), maybeCompress(source, { thresholdBytes: 2_000 })]) {
      expect(codeOf(() => maybeDecompress(block.bytes, { maxBytes }))).toBe("ERR_COMPRESS");
      expect(maybeDecompress(block.bytes, { maxBytes: 1_001 })).toEqual(source);
    }
    expect(DEFAULT_MAX_BYTES).toBe(16_777_216);
  });

  it("uses the array that it is given, where the bytes fit", () => {
    const source = makeInput("json", 1_000, 1);
    const { bytes } = maybeCompress(source);
    const into = new Uint8Array(1_000);
    const found = maybeDecompress(bytes, { into });
    expect([found.buffer === into.buffer, found]).toEqual([true, source]);
    const short = new Uint8Array(999);
    expect(maybeDecompress(bytes, { into: short })).toEqual(source);
    expect(short).toEqual(new Uint8Array(999));
  });

  it("expands at most 100 times beyond the first 64 KiB", () => {
    const into = new Uint8Array(100_000);
    for (const [length, code] of [
      [65_536 + 100 * 286, "none"],
      [200_000, "ERR_COMPRESS"],
    ] as const) {
      const count = lz4.compress(new Uint8Array(length), into.subarray(5));
      const block = into.slice(0, 5 + count);
      block[0] = 1;
      new DataView(block.buffer).setUint32(1, length | 0x8000_0000);
      expect(
        codeOf(() => maybeDecompress(block)),
        `${length} from ${count}`,
      ).toBe(code);
    }
  });
});
