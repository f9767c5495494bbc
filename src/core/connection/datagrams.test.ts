import { describe, expect, test } from "vitest";
import { toHex } from "../../../test/byte-lane.ts";
import { BufferPool } from "../wire/buffer-pool.ts";
import { RecordWriter } from "../wire/record-writer.ts";
import { DatagramQueue } from "./datagrams.ts";

function write(queue: DatagramQueue, room: number, keep = 0): string | undefined {
  const writer = new RecordWriter(new BufferPool());
  writer.begin(room, room);
  queue.write(writer, keep);
  const record = writer.finish(false);
  return record && toHex(record);
}

describe("DatagramQueue", () => {
  test("write() sends the oldest first", () => {
    const queue = new DatagramQueue(10, 100, 1_000);
    expect(write(queue, 1_000)).toBeUndefined();
    queue.push(new Uint8Array([1]));
    queue.push(new Uint8Array([2, 3]));
    expect(queue.nextBytes).toBe(18);
    expect(write(queue, 1_000)).toBe("0098000101" + "90000203");
    expect(queue.empty).toBe(true);
    expect(queue.nextBytes).toBe(0);
  });

  test("push() drops the oldest over count and over bytes", () => {
    const queue = new DatagramQueue(2, 100, 1_000);
    for (let i = 0; i < 5; i++) queue.push(new Uint8Array([i]));
    expect(queue.dropped).toBe(3);
    queue.push(new Uint8Array(99));
    expect(queue.dropped).toBe(4);
    queue.push(new Uint8Array(101));
    expect(queue.empty).toBe(true);
    expect(queue.dropped).toBe(7);
  });

  test("write() keeps to its share and leaves room for streams", () => {
    const queue = new DatagramQueue(100, 100_000, 1_000);
    for (let i = 0; i < 10; i++) queue.push(new Uint8Array(1_000));
    expect(write(queue, 60_000)!.length / 2).toBeLessThan(4_200);
    expect(write(queue, 2_000, 1_000)).toBeUndefined();
    expect(write(queue, 2_100, 1_000)!.length / 2).toBeLessThan(1_100);
    expect(queue.empty).toBe(false);
  });

  test("age() drops what has waited too long, counted from when it was first seen", () => {
    const queue = new DatagramQueue(100, 100_000, 1_000);
    queue.age(0);
    queue.push(new Uint8Array([1]));
    queue.age(500);
    queue.push(new Uint8Array([2]));
    queue.age(900);
    queue.age(1_500);
    expect(queue.dropped).toBe(0);
    queue.age(1_501);
    expect(queue.dropped).toBe(1);
    queue.push(new Uint8Array([3]));
    queue.age(1_901);
    expect(queue.dropped).toBe(2);
    expect(write(queue, 1_000)).toBe("00900003");
  });

  test("take() gives the oldest that fits, write() the rest", () => {
    const queue = new DatagramQueue(100, 100_000, 1_000);
    for (const size of [3, 1, 2, 0]) queue.push(new Uint8Array(size));
    expect(queue.take(2)).toHaveLength(1);
    expect(queue.take(2)).toHaveLength(2);
    queue.push(new Uint8Array(2));
    expect(write(queue, 1_000)).toBe("009000000000");
    expect(queue.take(2)).toHaveLength(0);
    expect(queue.take(2)).toHaveLength(2);
    expect(queue.take(2)).toBeUndefined();
    expect(queue.empty).toBe(true);
  });

  test("take() takes none for a transport that can carry none just now", () => {
    const queue = new DatagramQueue(100, 100_000, 1_000);
    queue.push(new Uint8Array(0));
    expect(queue.take(0)).toBeUndefined();
    expect(write(queue, 1_000)).toBe("009000");
  });
});
