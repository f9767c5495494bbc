import { describe, expect, test } from "vitest";
import { BufferPool, RecordRoom } from "./buffer-pool.ts";

describe("BufferPool", () => {
  test("cuts records one behind the other and never hands out a byte twice", () => {
    const pool = new BufferPool();
    pool.reserve(100);
    const { slab } = pool;
    slab[pool.at] = 7;
    const first = pool.commit(pool.at, pool.at + 10);
    pool.reserve(100);
    expect(pool.slab).toBe(slab);
    const second = pool.commit(pool.at, pool.at + 5);
    expect([first.byteOffset, first.length, second.byteOffset, second.length]).toEqual([0, 10, 10, 5]);
    expect(first[0]).toBe(7);
  });

  test("reserve() takes a new slab when the rest is too small, and one of its own for what is larger", () => {
    const pool = new BufferPool();
    pool.reserve(1);
    const { slab } = pool;
    pool.commit(0, slab.length - 99);
    pool.reserve(99);
    expect(pool.slab).toBe(slab);
    pool.reserve(100);
    expect(pool.slab).not.toBe(slab);
    expect(pool.at).toBe(0);
    pool.reserve(1_000_000);
    expect(pool.slab.length).toBe(1_000_000);
  });
});

test("a RecordRoom gives the same place to each record", () => {
  const room = new RecordRoom();
  const records = [10, 70_000, 20].map((bytes) => {
    room.reserve(bytes);
    room.slab.fill(bytes & 255, room.at, room.at + bytes);
    return room.commit(room.at, room.at + bytes);
  });
  expect(records.map(({ length }) => length)).toEqual([10, 70_000, 20]);
  expect(records[2]!.buffer).toBe(records[1]!.buffer);
  expect(records[2]!.byteOffset).toBe(records[1]!.byteOffset);
  expect(records[1]![0]).toBe(20);
});
