import { expect, test } from "vitest";
import { copyOut } from "./slab.ts";

test("copyOut() copies, whatever the length", () => {
  const copies = [0, 1, 1_024, 1_025, 4_096, 10_000].map((length) => {
    const source = new Uint8Array(length).fill(7);
    const copy = copyOut(source);
    source.fill(9);
    return copy;
  });
  expect(copies.map((copy) => copy.length)).toStrictEqual([0, 1, 1_024, 1_025, 4_096, 10_000]);
  for (const copy of copies) expect(copy.every((byte) => byte === 7)).toBe(true);
});

test("copyOut() never writes the same room twice", () => {
  const copies = Array.from({ length: 2_000 }, (_, i) => copyOut(new Uint8Array(1 + (i % 50)).fill(i)));
  for (const [i, copy] of copies.entries()) expect(copy).toStrictEqual(new Uint8Array(1 + (i % 50)).fill(i));
});

test("copyOut() keeps at most 4 KiB alive with a short copy", () => {
  expect(copyOut(new Uint8Array(5)).buffer.byteLength).toBe(4_096);
  expect(copyOut(new Uint8Array(2_000)).buffer.byteLength).toBe(2_000);
});
