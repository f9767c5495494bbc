import { describe, expect, test } from "vitest";
import { DEFAULT_LIMITS, HARD_LIMITS, type Limits, resolveLimits } from "./limits.ts";

describe("resolveLimits()", () => {
  test("gives the defaults, all of them finite and inside their bounds", () => {
    expect(resolveLimits()).toEqual(DEFAULT_LIMITS);
    for (const [name, value] of Object.entries(DEFAULT_LIMITS)) {
      if (name !== "decode") expect(Number.isSafeInteger(value) && value > 0).toBe(true);
    }
  });

  test("rejects what is no whole number, too small or too large", () => {
    for (const value of [
      0,
      -1,
      1.5,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      2 ** 31,
      "9" as unknown as number,
    ]) {
      for (const name of Object.keys(DEFAULT_LIMITS) as (keyof Limits)[]) {
        if (name !== "decode") expect(() => resolveLimits({ [name]: value })).toThrow(RangeError);
      }
    }
    for (const [name, most] of Object.entries(HARD_LIMITS)) {
      expect(resolveLimits({ [name]: most })).toMatchObject({ [name]: most });
      expect(() => resolveLimits({ [name]: most + 1 })).toThrow(name);
    }
  });

  test("leaves room for what a client may send before it knows better", () => {
    const least = { maxFrameBytes: 4_096, maxMessageBytes: 4_096, maxStreams: 16, maxEarlyBytes: 8_192 };
    const windows = { streamWindowBytes: 4_096, sessionWindowBytes: 4_096 };
    for (const [name, value] of Object.entries({ ...least, ...windows })) {
      expect(resolveLimits({ [name]: value })).toMatchObject({ [name]: value });
      expect(() => resolveLimits({ [name]: value - 1 })).toThrow(RangeError);
    }
  });

  test("lets the largest window be no smaller than the first", () => {
    const limits = resolveLimits({ streamWindowBytes: 10_000_000, sessionWindowBytes: 20_000_000 });
    expect(limits.maxStreamWindowBytes).toBe(10_000_000);
    expect(limits.maxSessionWindowBytes).toBe(20_000_000);
  });
});
