import { describe, expect, it } from "vitest";
import { makeInput } from "../../../test/compression/inputs.ts";
import { Adaptive } from "./adaptive.ts";

/** Which of `count` records, from 1 on, are tried when each one that is tried goes as `works` says. */
function tried(adaptive: Adaptive, kind: string, count: number, works: boolean): number[] {
  const tries: number[] = [];
  for (let i = 1; i <= count; i++) {
    const record = makeInput(kind, 1_000, i);
    if (!adaptive.tries(record, 0, record.length)) continue;
    tries.push(i);
    if (works) adaptive.worked();
    else adaptive.failed(record, 0, record.length);
  }
  return tries;
}

describe("Adaptive", () => {
  it("tries every record while they shrink", () => {
    expect(tried(new Adaptive(), "json", 100, true)).toHaveLength(100);
  });

  it("tries three records of noise, and then one in 4,096", () => {
    const adaptive = new Adaptive();
    expect(tried(adaptive, "noise", 12_400, false)).toEqual([1, 3, 19, 4_115, 8_211, 12_307]);
    expect(adaptive.doubtful).toBe(true);
  });

  it("tries one in as many as the compressor says", () => {
    expect(tried(new Adaptive(127), "noise", 500, false)).toEqual([1, 3, 19, 147, 275, 403]);
    expect(tried(new Adaptive(7), "noise", 30, false)).toEqual([1, 3, 11, 19, 27]);
    expect(tried(new Adaptive(0), "noise", 3, false)).toEqual([1, 2, 3]);
  });

  it("tries fewer and fewer records that do not look like noise, and do not shrink either", () => {
    expect(tried(new Adaptive(127), "json", 640, false)).toEqual([
      1, 3, 7, 15, 31, 63, 127, 255, 383, 511, 639,
    ]);
    expect(tried(new Adaptive(), "json", 20_000, false).slice(-3)).toEqual([8_191, 12_287, 16_383]);
  });

  it("tries at most two in each pause where both kinds alternate", () => {
    const adaptive = new Adaptive(127);
    let tries = 0;
    for (let i = 0; i < 13_000; i++) {
      const record = makeInput(i % 2 === 0 ? "noise" : "json", 1_000, i);
      if (!adaptive.tries(record, 0, record.length)) continue;
      if (i >= 200) tries++;
      adaptive.failed(record, 0, record.length);
    }
    expect(tries).toBeGreaterThan(99);
    expect(tries).toBeLessThan(202);
  });

  it("begins again with the first record that shrinks", () => {
    const adaptive = new Adaptive(127);
    tried(adaptive, "noise", 300, false);
    expect(tried(adaptive, "noise", 200, true)).toHaveLength(98);
    expect(adaptive.doubtful).toBe(false);
    expect(tried(adaptive, "noise", 30, false)).toEqual([1, 3, 19]);
  });

  it.each(["json", "logs", "zeros", "binary"])("tries %s at once after noise", (kind) => {
    const adaptive = new Adaptive();
    tried(adaptive, "noise", 1_000, false);
    expect(tried(adaptive, kind, 1, true)).toEqual([1]);
  });

  it("does not wait less for the next try when one out of turn failed", () => {
    const adaptive = new Adaptive();
    expect(tried(adaptive, "noise", 100, false)).toEqual([1, 3, 19]);
    expect(tried(adaptive, "json", 4_016, false)).toEqual([1, 4_016]);
  });

  it("looks inside the record only", () => {
    const around = new Uint8Array(300).fill(0xff);
    const adaptive = new Adaptive();
    for (let i = 0; i < 64; i++) around[100 + i] = i * 37;
    adaptive.failed(around, 100, 164);
    expect(adaptive.tries(around, 100, 164)).toBe(false);
  });
});
