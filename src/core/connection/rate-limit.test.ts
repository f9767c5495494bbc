import { describe, expect, test } from "vitest";
import { RateLimit } from "./rate-limit.ts";

function taken(limit: RateLimit, now: number, tries: number): number {
  let count = 0;
  for (let i = 0; i < tries; i++) if (limit.take(now)) count++;
  return count;
}

describe("RateLimit", () => {
  test("take() gives the burst at once and the rate in the long run", () => {
    const limit = new RateLimit(10, 5);
    expect(taken(limit, 1_000, 100)).toBe(5);
    expect(taken(limit, 1_100, 100)).toBe(1);
    expect(taken(limit, 1_150, 100)).toBe(0);
    expect(taken(limit, 1_200, 100)).toBe(1);
    expect(taken(limit, 100_000, 100)).toBe(5);
  });

  test("take() gives nothing for a clock that steps back and forth", () => {
    const limit = new RateLimit(10, 5);
    expect(taken(limit, 10_000, 10)).toBe(5);
    for (let i = 0; i < 10; i++) {
      expect(taken(limit, 0, 10)).toBe(0);
      expect(taken(limit, 10_000, 10)).toBe(0);
    }
    expect(taken(limit, 10_100, 10)).toBe(1);
  });
});
