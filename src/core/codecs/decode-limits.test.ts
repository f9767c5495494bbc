import { expect, test } from "vitest";
import { DEFAULT_DECODE_LIMITS } from "./codec.ts";
import { HARD_DECODE_LIMITS, resolveDecodeLimits } from "./decode-limits.ts";

test("resolveDecodeLimits() puts changes over the defaults, up to the hard limits", () => {
  expect(resolveDecodeLimits()).toStrictEqual(DEFAULT_DECODE_LIMITS);
  expect(resolveDecodeLimits({ maxKeys: 0 })).toStrictEqual({ ...DEFAULT_DECODE_LIMITS, maxKeys: 0 });
  expect(resolveDecodeLimits(HARD_DECODE_LIMITS)).toStrictEqual(HARD_DECODE_LIMITS);
});

test.each([-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 129, undefined, "64"])(
  "resolveDecodeLimits() refuses a depth of %s",
  (maxDepth) => {
    expect(() => resolveDecodeLimits({ maxDepth: maxDepth as number })).toThrow(RangeError);
  },
);
