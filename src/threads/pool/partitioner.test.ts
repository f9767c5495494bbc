import { describe, expect, test } from "vitest";
import {
  consistentHashPartitioner,
  hashKey,
  hashPartitioner,
  type Partitioner,
  roundRobinPartitioner,
} from "./partitioner.ts";

const KEYS = Array.from({ length: 20_000 }, (_, index) => `user-${index}`);

function places(partitioner: Partitioner, workers: readonly number[]): number[] {
  partitioner.resize(workers);
  return KEYS.map((key) => partitioner.pick(key));
}

/** Keys of each worker. */
function shares(placed: readonly number[], workers: readonly number[]): number[] {
  return workers.map((worker) => placed.filter((place) => place === worker).length);
}

const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

describe("hashKey()", () => {
  test("keeps kinds of keys apart, and bytes and their text together", () => {
    const hashes = [hashKey("1"), hashKey(1), hashKey(1n), hashKey(new Uint8Array([1])), hashKey("")];
    expect(new Set(hashes).size).toBe(hashes.length);
    expect(hashKey(new TextEncoder().encode("key"))).toBe(hashKey("key"));
    expect(hashKey("key")).toBe(hashKey("key"));
    expect(hashKey("key", 1)).not.toBe(hashKey("key"));
  });
});

describe("roundRobinPartitioner()", () => {
  test("takes one after the other, whatever the key is", () => {
    const partitioner = roundRobinPartitioner();
    partitioner.resize([3, 5, 7]);
    const picked = ["a", "a", undefined, "a", 1, 2].map((key) => partitioner.pick(key));
    expect(picked).toEqual([5, 7, 3, 5, 7, 3]);
    partitioner.resize([3]);
    expect(partitioner.pick(undefined)).toBe(3);
  });
});

describe.each([
  ["hashPartitioner()", hashPartitioner],
  ["consistentHashPartitioner()", () => consistentHashPartitioner()],
])("%s", (_name, make) => {
  test.each([1, 2, 3, 8, 16])("shares keys evenly among %i workers, and always in the same way", (count) => {
    const workers = range(count);
    const placed = places(make(), workers);
    const even = KEYS.length / count;
    for (const share of shares(placed, workers)) {
      expect(share).toBeGreaterThan(even * 0.7);
      expect(share).toBeLessThan(even * 1.3);
    }
    expect(places(make(), workers)).toEqual(placed);
  });

  test("sends tasks without a key round", () => {
    const partitioner = make();
    partitioner.resize([0, 1, 2]);
    expect(new Set([0, 0, 0].map(() => partitioner.pick(undefined))).size).toBe(3);
  });
});

describe("consistentHashPartitioner()", () => {
  test.each([2, 3, 5, 10, 20])(
    "moves about one key in n when a worker is added to %i, all of them to it",
    (count) => {
      const before = places(consistentHashPartitioner(), range(count));
      const after = places(consistentHashPartitioner(), range(count + 1));
      const moved = KEYS.map((_, index) => index).filter((index) => before[index] !== after[index]);
      expect(moved.every((index) => after[index] === count)).toBe(true);
      const expected = KEYS.length / (count + 1);
      expect(moved.length).toBeGreaterThan(expected * 0.7);
      expect(moved.length).toBeLessThan(expected * 1.3);
    },
  );

  test("moves only the keys of a worker that is removed", () => {
    const partitioner = consistentHashPartitioner();
    const before = places(partitioner, [0, 1, 2, 3]);
    const after = places(partitioner, [0, 1, 3]);
    expect(before.some((place) => place === 2)).toBe(true);
    expect(before.every((place, index) => place === 2 || place === after[index])).toBe(true);
  });

  test.each([0, 1.5, -1, 70_000, Number.NaN])("refuses %s virtual nodes", (nodes) => {
    expect(() => consistentHashPartitioner(nodes)).toThrow(RangeError);
  });
});
