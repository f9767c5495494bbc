import { describe, expect, test } from "vitest";
import { ProtocolError } from "../errors.ts";
import { resolveLimits } from "../limits.ts";
import { ReceiveHalf } from "./receive-half.ts";

const limits = resolveLimits({ maxMessageBytes: 10_000, maxFragments: 8 });
const bytes = (length: number, fill = 1) => new Uint8Array(length).fill(fill);

describe("ReceiveHalf", () => {
  test("push() keeps whole messages in order, and puts fragments together", () => {
    const half = new ReceiveHalf(limits);
    half.push(bytes(3, 1), false);
    half.push(bytes(2_000, 2), true);
    half.push(bytes(5, 3), true);
    half.push(bytes(6, 4), true);
    expect(half.unfinished).toBe(true);
    expect(half.assembling).toBe(2_011);
    expect(half.waiting).toBe(1);
    half.push(bytes(1_500, 5), false);
    expect(half.unfinished).toBe(false);
    expect(half.shift()).toEqual(bytes(3, 1));
    expect(half.shift()).toEqual(
      new Uint8Array([...bytes(2_000, 2), ...bytes(5, 3), ...bytes(6, 4), ...bytes(1_500, 5)]),
    );
    expect(half.shift()).toBeUndefined();
  });

  test("clear() drops all that waits, and later messages are kept as before", () => {
    const half = new ReceiveHalf(limits);
    for (let i = 0; i < 3; i++) half.push(bytes(3, i), false);
    half.settle();
    half.clear();
    expect([half.waiting, half.settled, half.shift()]).toEqual([0, 0, undefined]);
    const record = bytes(100);
    for (let i = 0; i < 3; i++) half.push(record.subarray(i, i + 1), false);
    expect(half.shift()?.buffer).toBe(record.buffer);
    half.settle();
    half.push(record.subarray(9, 10), false);
    expect([half.waiting, half.settled]).toEqual([3, 2]);
    expect(half.shift()?.buffer.byteLength).toBe(1);
    expect(half.shift()?.buffer.byteLength).toBe(1);
    expect(half.shift()?.buffer).toBe(record.buffer);
    expect([half.waiting, half.settled]).toEqual([0, 0]);
  });

  test("push() takes a fragment without bytes as nothing, and a last one as the end", () => {
    const half = new ReceiveHalf(limits);
    half.push(bytes(0), true);
    expect(half.unfinished).toBe(false);
    half.push(bytes(4), true);
    half.push(bytes(0), false);
    half.push(bytes(0), false);
    expect([half.shift()?.length, half.shift()?.length]).toEqual([4, 0]);
  });

  test("push() rejects messages over their bytes and their fragments", () => {
    expect(() => new ReceiveHalf(limits).push(bytes(10_001), false)).toThrow(ProtocolError);
    const long = new ReceiveHalf(limits);
    long.push(bytes(10_000), true);
    expect(() => long.push(bytes(1), true)).toThrow("limit is 10000");
    const many = new ReceiveHalf(limits);
    for (let i = 0; i < 8; i++) many.push(bytes(1), true);
    expect(() => many.push(bytes(1), false)).toThrow("over 8 fragments");
    const two = new ReceiveHalf(limits);
    for (let message = 0; message < 3; message++) {
      for (let i = 0; i < 8; i++) two.push(bytes(1), i < 7);
    }
    expect(two.waiting).toBe(3);
  });

  test("fragments of one byte cost no object each", () => {
    const half = new ReceiveHalf(resolveLimits());
    const record = bytes(65_536);
    for (let i = 0; i < 4_095; i++) half.push(record.subarray(i, i + 1), true);
    half.push(new Uint8Array([9]), false);
    const message = half.shift();
    expect(message?.length).toBe(4_096);
    expect(message?.at(-1)).toBe(9);
  });

  test("settle() lets go of the records behind small unread messages, once for each", () => {
    const half = new ReceiveHalf(limits);
    const record = bytes(65_536);
    for (let i = 0; i < 3; i++) half.push(record.subarray(i * 10, i * 10 + 10), false);
    half.shift();
    half.settle();
    const large = record.subarray(0, 60_000);
    const settled = half.shift();
    expect(settled?.buffer.byteLength).toBe(10);
    half.push(record.subarray(5, 6), false);
    half.settle();
    expect(half.shift()?.buffer.byteLength).toBe(10);
    expect(half.shift()?.buffer.byteLength).toBe(1);
    half.push(record.subarray(5, 6), false);
    half.settle();
    expect(half.shift()?.buffer.byteLength).toBe(1);
    expect(large.length).toBe(60_000);
  });

  test("shift() keeps order and settling over thousands of messages", () => {
    const half = new ReceiveHalf(limits);
    let next = 0;
    let taken = 0;
    const record = bytes(100_000);
    for (let round = 0; round < 50; round++) {
      for (let i = 0; i < 100; i++) half.push(record.subarray(0, next++ % 50), false);
      half.settle();
      for (let i = 0; i < 90; i++) {
        const message = half.shift();
        expect(message?.length).toBe(taken++ % 50);
        expect(message?.buffer.byteLength).toBeLessThan(50);
      }
    }
    expect(half.waiting).toBe(500);
  });

  test("finish() rejects an unfinished message; atEnd comes when all was taken, not after an error", () => {
    const half = new ReceiveHalf(limits);
    half.push(bytes(1), true);
    expect(() => half.finish(undefined)).toThrow(ProtocolError);
    half.push(bytes(1), false);
    half.finish({ priority: 1 });
    expect(half.trailer).toEqual({ priority: 1 });
    expect(half.atEnd).toBe(false);
    half.shift();
    expect(half.atEnd).toBe(true);
    half.ended = true;
    expect(half.atEnd).toBe(false);
  });

  test("clear() drops everything and says what was not consumed", () => {
    const half = new ReceiveHalf(limits);
    half.window.receive(100);
    half.window.consume(30);
    half.push(bytes(5), false);
    half.push(bytes(5), true);
    expect(half.clear()).toBe(70);
    expect(half.waiting).toBe(0);
    expect(half.unfinished).toBe(false);
    expect(half.assembling).toBe(0);
  });
});
