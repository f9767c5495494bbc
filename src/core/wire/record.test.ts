import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cutLane, fromHex, laneOf, toHex } from "../../../test/byte-lane.ts";
import { equalBytes } from "../bytes.ts";
import { ProtocolError } from "../errors.ts";
import { giveRecord } from "../parts.ts";
import { RecordReader } from "./record.ts";

const MAGIC_HEX = "544944455741590a";

describe("RecordReader", () => {
  test("next() cuts a lane into records", () => {
    const lane = fromHex(`${MAGIC_HEX} 01aa 02bbcc 03ddeeff`);
    for (const pieceBytes of [1, 2, 3, 5, 100]) {
      expect(cutLane(lane, pieceBytes).map(toHex)).toEqual(["aa", "bbcc", "ddeeff"]);
    }
  });

  test("next() gives the same records for every split into two pieces", () => {
    const records = [new Uint8Array(1).fill(1), new Uint8Array(70).fill(2), new Uint8Array(63).fill(3)];
    const lane = laneOf(records);
    for (let split = 0; split <= lane.length; split++) {
      const reader = new RecordReader(100);
      const got: string[] = [];
      for (const piece of [lane.slice(0, split), lane.slice(split)]) {
        reader.push(piece);
        for (let record = reader.next(); record !== undefined; record = reader.next())
          got.push(toHex(record));
      }
      expect(got).toEqual(records.map(toHex));
    }
  });

  test("next() holds no memory by the length that a peer claims", () => {
    const reader = new RecordReader(1 << 26);
    const before = process.memoryUsage().arrayBuffers;
    reader.push(fromHex(`${MAGIC_HEX} 83ffffff`));
    expect(reader.next()).toBeUndefined();
    for (let i = 0; i < 3_000; i++) {
      reader.push(new Uint8Array([i & 255]));
      expect(reader.next()).toBeUndefined();
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1 << 20);
  });

  test("next() joins a long record from pieces of every size", () => {
    const long = new Uint8Array(60_000).map((_, i) => (i * 7) & 255);
    for (const pieceBytes of [1, 63, 1_023, 1_024, 1_025, 16_384, 59_999]) {
      const records = cutLane(laneOf([long, new Uint8Array([9]), long]), pieceBytes, 60_000);
      expect(records.map(({ length }) => length)).toEqual([60_000, 1, 60_000]);
      for (const i of [0, 2]) expect(equalBytes(records[i] as Uint8Array, long), `${pieceBytes}`).toBe(true);
    }
  });

  test.each([
    ["00", "ERR_PROTOCOL", "an empty record"],
    ["4001", "ERR_PROTOCOL", "a length that is not shortest"],
    ["4065", "ERR_FRAME_TOO_LARGE", "a record over the limit"],
    ["bfffffff", "ERR_FRAME_TOO_LARGE", "a record far over the limit"],
    ["c01fffffffffffff", "ERR_FRAME_TOO_LARGE", "the largest length"],
    ["c020000000000000", "ERR_PROTOCOL", "a length above 2^53 - 1"],
    ["ffffffffffffffff", "ERR_PROTOCOL", "a length of 62 bits"],
  ])("next() rejects %s with %s: %s", (text, code) => {
    for (const pieceBytes of [1, 3, 100]) {
      try {
        cutLane(fromHex(MAGIC_HEX + text), pieceBytes, 100);
        expect.unreachable();
      } catch (error) {
        expect(error).toBeInstanceOf(ProtocolError);
        expect((error as ProtocolError).code).toBe(code);
      }
    }
  });

  test("next() rejects a wrong magic at its first wrong byte", () => {
    for (let i = 0; i < 8; i++) {
      const lane = fromHex(MAGIC_HEX).slice(0, i + 1);
      lane[i] = (lane[i] as number) ^ 1;
      expect(() => cutLane(lane, 1)).toThrow(ProtocolError);
      expect(() => cutLane(lane, 100)).toThrow(ProtocolError);
    }
    expect(() => cutLane(fromHex("474554202f20"), 100)).toThrow("does not begin as Tideway does");
  });

  test("a claimed length allocates nothing: the buffer grows with the bytes that are here", () => {
    const reader = new RecordReader(1 << 20);
    reader.push(fromHex(`${MAGIC_HEX} 80100000`));
    expect(reader.next()).toBeUndefined();
    for (let i = 0; i < 1_000; i++) {
      reader.push(new Uint8Array([i]));
      expect(reader.next()).toBeUndefined();
    }
    reader.push(new Uint8Array((1 << 20) - 1_000));
    const record = reader.next();
    expect(record?.length).toBe(1 << 20);
    expect(record?.buffer.byteLength).toBeLessThanOrEqual(2 * (1 << 20) + 64);
    expect(record?.[999]).toBe(999 & 255);
  });

  test("records keep nothing of a chunk, and share one copy of it", () => {
    const lane = laneOf([new Uint8Array(10).fill(1), new Uint8Array(20).fill(2), new Uint8Array(30).fill(3)]);
    const reader = new RecordReader(100);
    reader.push(lane.subarray(0, 50));
    const [first, second] = [reader.next(), reader.next()];
    expect(reader.next()).toBeUndefined();
    lane.fill(9, 0, 50);
    expect(first).toEqual(new Uint8Array(10).fill(1));
    expect(second).toEqual(new Uint8Array(20).fill(2));
    expect(second?.buffer).toBe(first?.buffer);
    reader.push(lane.subarray(50));
    expect(reader.next()).toEqual(new Uint8Array(30).fill(3));
  });

  test("a long record that was given back is written into by the next of its length", () => {
    const length = 20_000;
    const lane = laneOf([1, 2, 3].map((value) => new Uint8Array(length).fill(value)));
    for (const pieceBytes of [8_000, lane.length]) {
      const reader = new RecordReader(length);
      const buffers: ArrayBuffer[] = [];
      for (let at = 0; at < lane.length; at += pieceBytes) {
        reader.push(lane.subarray(at, at + pieceBytes));
        for (let record = reader.next(); record !== undefined; record = reader.next()) {
          expect(record).toEqual(new Uint8Array(length).fill(buffers.length + 1));
          buffers.push(record.buffer);
          if (buffers.length === 1) giveRecord(record);
        }
      }
      const [first, second, third] = buffers;
      expect(second).toBe(first);
      expect(third).not.toBe(first);
    }
  });

  test("a short one is not: it is a part of a chunk", () => {
    const lane = laneOf([1, 2].map((value) => new Uint8Array(50).fill(value)));
    const reader = new RecordReader(100);
    reader.push(lane.subarray(0, 40));
    reader.next();
    reader.push(lane.subarray(40));
    const first = reader.next()!;
    giveRecord(first);
    expect(reader.next()).toEqual(new Uint8Array(50).fill(2));
    expect(first).toEqual(new Uint8Array(50).fill(1));
  });

  test("random records survive random pieces", () => {
    const record = fc.uint8Array({ minLength: 1, maxLength: 400 });
    const pieces = fc.array(fc.integer({ min: 1, max: 500 }), { minLength: 1, maxLength: 10 });
    fc.assert(
      fc.property(fc.array(record, { maxLength: 10 }), pieces, (records, sizes) => {
        const lane = laneOf(records);
        const reader = new RecordReader(400);
        const got: string[] = [];
        for (let at = 0, i = 0; at < lane.length; i++) {
          const size = sizes[i % sizes.length] as number;
          reader.push(lane.slice(at, at + size));
          at += size;
          for (let one = reader.next(); one !== undefined; one = reader.next()) got.push(toHex(one));
        }
        expect(got).toEqual(records.map(toHex));
      }),
      { numRuns: 500, seed: 3 },
    );
  });
});
