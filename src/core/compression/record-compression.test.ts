import { describe, expect, it } from "vitest";
import { makeInput } from "../../../test/compression/inputs.ts";
import { codeOf } from "../../../test/refusal.ts";
import type { Bytes } from "../bytes.ts";
import type { Compressor } from "./compressor.ts";
import { deflate } from "./deflate.ts";
import { lz4 } from "./lz4.ts";
import { compression } from "./record-compression.ts";

/** A record of frames, 7 bytes into a larger array. */
function around(frames: Uint8Array): Bytes {
  const bytes: Bytes = new Uint8Array(frames.length + 20).fill(0xcc);
  bytes[7] = 0;
  bytes.set(frames, 8);
  return bytes;
}

function counting(compressor: Compressor): Compressor & { calls: number; bytes: number } {
  return {
    ...compressor,
    calls: 0,
    bytes: 0,
    compress(source, into) {
      this.calls++;
      this.bytes += source.length;
      return compressor.compress(source, into);
    },
  };
}

describe("compression()", () => {
  it("compresses a record in its place, and expands it", () => {
    const records = compression([lz4]).open();
    records.agree([9, 1]);
    const frames = makeInput("json", 5_000, 1);
    const bytes = around(frames);
    const end = records.compress(bytes, 7, 5_008);
    expect(end).toBeLessThan(4_500);
    expect(bytes[6]).toBe(0xcc);
    expect(bytes.subarray(5_008)).toEqual(new Uint8Array(12).fill(0xcc));
    expect([...bytes.subarray(7, 10)]).toEqual([1, 0x53, 0x88]);
    expect(records.expand(bytes.slice(7, end), 5_000)).toEqual(frames);
    expect(codeOf(() => records.expand(bytes.slice(7, end), 4_999))).toBe("ERR_COMPRESS");
  });

  it("leaves records alone before the peer has agreed, below the threshold, and when they do not shrink", () => {
    const frames = makeInput("json", 300, 1);
    const records = compression([lz4], { thresholdBytes: 300 }).open();
    expect(records.compress(around(frames), 7, 308)).toBe(308);
    records.agree([2, 3]);
    expect(records.compress(around(frames), 7, 308)).toBe(308);
    records.agree([1]);
    expect(records.compress(around(frames), 7, 307)).toBe(307);
    expect(records.compress(around(frames), 7, 308)).toBeLessThan(308);
    const noise = around(makeInput("noise", 300, 1));
    const before = noise.slice();
    expect(records.compress(noise, 7, 308)).toBe(308);
    expect(noise).toEqual(before);
  });

  it("lets long payloads go out as they are where those before did not shrink", () => {
    const records = compression([lz4]).open();
    const noise = makeInput("noise", 20_000, 1);
    const text = makeInput("json", 20_000, 1);
    expect(records.leaves(text), "nothing is agreed").toBe(true);
    records.agree([1]);
    expect(records.leaves(text)).toBe(false);
    const tried: boolean[] = [];
    for (let i = 0; i < 12; i++) {
      const left = records.leaves(noise);
      tried.push(!left);
      if (!left) expect(records.compress(around(noise), 7, 20_008)).toBe(20_008);
    }
    expect(tried).toEqual([1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0].map(Boolean));
    expect(records.leaves(text), "it does not look like noise").toBe(false);
    expect(records.compress(around(text), 7, 20_008)).toBeLessThan(15_000);
    expect(records.leaves(noise)).toBe(false);
  });

  it("takes the first of its own that the peer has", () => {
    const other: Compressor = { ...lz4, number: 9 };
    const used = (peer: readonly number[]) => {
      const records = compression([other, lz4]).open();
      records.agree(peer);
      const bytes = around(new Uint8Array(500));
      records.compress(bytes, 7, 508);
      return bytes[7];
    };
    expect([[9, 1], [1, 9], [1], [9], []].map(used)).toEqual([9, 9, 1, 9, 0]);
  });

  it("expands by any that it has named, and by no other", () => {
    const records = compression([{ ...lz4, number: 9 }, lz4]).open();
    const bytes = around(new Uint8Array(500));
    const sender = compression([lz4]).open();
    sender.agree([1]);
    const record = bytes.slice(7, sender.compress(bytes, 7, 508));
    expect(records.expand(record, 500).length).toBe(500);
    record[0] = 9;
    expect(records.expand(record, 500).length).toBe(500);
    record[0] = 2;
    expect(codeOf(() => records.expand(record, 500))).toBe("ERR_PROTOCOL");
  });

  it("hardly tries noise, and then only a part of it", () => {
    const compressor = counting(lz4);
    const records = compression([compressor]).open();
    records.agree([1]);
    for (let i = 0; i < 1_000; i++) records.compress(around(makeInput("noise", 20_000, i % 7)), 7, 20_008);
    expect(compressor.calls).toBeLessThan(18);
    const json = around(makeInput("json", 20_000, 1));
    expect(records.compress(json, 7, 20_008)).toBeLessThan(12_000);
  });

  it.each([
    ["lz4", lz4, 1_000, 256, 1_000],
    ["lz4", lz4, 16_384, 256, 4_096],
    ["deflate", deflate(), 1_000, 16_384, 1_000],
    ["deflate", deflate(), 4_097, 16_384, 4_096],
  ])("hands %s of 50,000 records of noise one part in each pause", (_, by, length, pause, part) => {
    const compressor = counting(by);
    const records = compression([compressor]).open();
    records.agree([by.number]);
    const noise = Array.from({ length: 19 }, (_, i) => around(makeInput("noise", length, i)));
    const send = (i: number) => {
      if (records.compress(noise[i % 19]!, 7, 8 + length) !== 8 + length)
        throw new Error("noise was compressed");
    };
    for (let i = 0; i < 19; i++) send(i);
    const before = compressor.bytes;
    for (let i = 0; i < 50_000; i++) send(i);
    expect(compressor.bytes - before).toBe(Math.floor(50_000 / pause) * part);
  });

  it.each([
    ["lz4", lz4, 256],
    ["deflate", deflate(), 16_384],
  ])(
    "finds out within a pause of %s when records shrink again that look like noise",
    (_, compressor, pause) => {
      const records = compression([compressor]).open();
      records.agree([compressor.number]);
      for (let i = 0; i < 40; i++) records.compress(around(makeInput("noise", 20_000, i)), 7, 20_008);
      // The same variety as noise, but each part repeats the first.
      const frames = makeInput("noise", 20_000, 1);
      for (let at = 1_009; at < 20_000; at += 1_009) frames.copyWithin(at, 0, 1_009);
      let record = 1;
      while (records.compress(around(frames), 7, 20_008) === 20_008) record++;
      expect(record).toBe(pause - 21); // of which 21 have passed before
      expect(records.compress(around(frames), 7, 20_008)).toBeLessThan(20_008);
    },
  );

  it("refuses options that mean nothing", () => {
    expect(() => compression([])).toThrow(RangeError);
    expect(() => compression([lz4, { ...lz4 }])).toThrow(RangeError);
    for (const number of [0, 16, 1.5]) expect(() => compression([{ ...lz4, number }])).toThrow(RangeError);
    for (const mostPassed of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY])
      expect(() => compression([{ ...lz4, mostPassed }])).toThrow("lz4: mostPassed");
    expect(() => compression([lz4], { thresholdBytes: 10 })).toThrow(RangeError);
  });
});
