import { expect, test, vi } from "vitest";
import { newIdempotencyKey } from "./idempotency-key.ts";

test("newIdempotencyKey() writes 128 random bits in base 36, never the same twice", () => {
  const drawn: bigint[] = [];
  const draw = crypto.getRandomValues.bind(crypto);
  vi.spyOn(crypto, "getRandomValues").mockImplementation((into) => {
    draw(into);
    drawn.push(...(into as BigUint64Array));
    return into;
  });
  const keys = Array.from({ length: 1_000 }, newIdempotencyKey);
  vi.restoreAllMocks();
  expect(new Set(keys).size).toBe(keys.length);
  expect(keys.every((key) => /^[0-9a-z]{26}$/.test(key))).toBe(true);
  const words = keys.map((key) => [fromDigits(key.slice(0, 13)), fromDigits(key.slice(13))]);
  const first = words.findIndex(([high, low]) => high === drawn[0] && low === drawn[1]);
  expect(first).toBeGreaterThanOrEqual(0);
  expect(words.slice(first).flat()).toEqual(drawn.slice(0, 2 * (keys.length - first)));
});

function fromDigits(digits: string): bigint {
  return [...digits].reduce((value, digit) => value * 36n + BigInt(Number.parseInt(digit, 36)), 0n);
}
