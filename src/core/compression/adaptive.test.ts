import { describe, expect, it } from "vitest";
import { makeInput } from "../../../test/compression/inputs.ts";
import { Adaptive } from "./adaptive.ts";

/** How many of `count` records are tried when each one that is tried goes as `works` says. */
function tried(adaptive: Adaptive, kind: string, count: number, works: boolean): number {
  let tries = 0;
  for (let i = 0; i < count; i++) {
    const record = makeInput(kind, 1_000, i);
    if (!adaptive.tries(record, 0, record.length)) continue;
    tries++;
    if (works) adaptive.worked();
    else adaptive.failed(record, 0, record.length);
  }
  return tries;
}

describe("Adaptive", () => {
  it("tries every record while they shrink", () => {
    expect(tried(new Adaptive(), "json", 100, true)).toBe(100);
  });

  it("tries fewer and fewer records that do not shrink", () => {
    const adaptive = new Adaptive();
    expect(tried(adaptive, "noise", 10, false)).toBe(3);
    expect(tried(adaptive, "noise", 990, false)).toBeLessThan(14);
    expect(adaptive.doubtful).toBe(true);
  });

  it("tries a hundredth of them in the long run", () => {
    const adaptive = new Adaptive();
    tried(adaptive, "noise", 300, false);
    const tries = tried(adaptive, "noise", 12_800, false);
    expect(tries).toBeGreaterThan(90);
    expect(tries).toBeLessThan(110);
  });

  it("begins again with the first record that shrinks", () => {
    const adaptive = new Adaptive();
    tried(adaptive, "noise", 300, false);
    expect(tried(adaptive, "noise", 200, true)).toBeGreaterThan(70);
    expect(adaptive.doubtful).toBe(false);
  });

  it.each(["json", "logs", "zeros", "binary"])("tries %s at once after noise", (kind) => {
    const adaptive = new Adaptive();
    tried(adaptive, "noise", 1_000, false);
    expect(tried(adaptive, kind, 1, true)).toBe(1);
  });

  it("looks inside the record only", () => {
    const around = new Uint8Array(300).fill(0xff);
    const adaptive = new Adaptive();
    for (let i = 0; i < 64; i++) around[100 + i] = i * 37;
    adaptive.failed(around, 100, 164);
    expect(adaptive.tries(around, 100, 164)).toBe(false);
  });
});
