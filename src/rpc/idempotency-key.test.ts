import { expect, test, vi } from "vitest";
import { newIdempotencyKey } from "./idempotency-key.ts";

test("newIdempotencyKey() writes 128 random bits as base64url, never the same twice", () => {
  const drawn: number[] = [];
  const draw = crypto.getRandomValues.bind(crypto);
  vi.spyOn(crypto, "getRandomValues").mockImplementation((into) => {
    draw(into);
    drawn.push(...(into as Uint8Array));
    return into;
  });
  const keys = Array.from({ length: 1_000 }, newIdempotencyKey);
  vi.restoreAllMocks();
  expect(new Set(keys).size).toBe(keys.length);
  const first = keys.findIndex((key) =>
    Buffer.from(key, "base64url").equals(Buffer.from(drawn.slice(0, 16))),
  );
  expect(first).toBeGreaterThanOrEqual(0);
  for (const [i, key] of keys.slice(first).entries()) {
    expect(key).toBe(Buffer.from(drawn.slice(i * 16, i * 16 + 16)).toString("base64url"));
  }
});
