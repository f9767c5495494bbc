import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toHex } from "../../../test/byte-lane.ts";
import { type Bytes, concatBytes, EMPTY, equalBytes } from "../bytes.ts";
import { BufferPool } from "./buffer-pool.ts";
import { FrameReader, SESSION_ID, type StreamId } from "./frame.ts";
import * as FrameType from "./frame-type.ts";
import { RecordWriter } from "./record-writer.ts";

interface Written {
  readonly head: Bytes;
  readonly tail: Bytes | undefined;
  readonly length: number;
}

function record(bodies: readonly Uint8Array[], prefixed: boolean): string | undefined {
  const writer = new RecordWriter(new BufferPool());
  writer.begin(4_096, 4_096);
  for (const body of bodies) {
    writer.frame(FrameType.DATA, 0, 4 as StreamId, body.length);
    writer.put(body);
  }
  const bytes = writer.finish(prefixed);
  return bytes && toHex(bytes);
}

describe("RecordWriter", () => {
  test("finish() drops the length of the last frame", () => {
    expect(record([new Uint8Array([1]), new Uint8Array([2, 3])], false)).toBe("0038040101" + "30040203");
    expect(record([EMPTY], false)).toBe("003004");
    expect(record([new Uint8Array(64)], false)).toBe(`003004${"00".repeat(64)}`);
    expect(record([new Uint8Array(1_024).fill(1)], false)).toBe(`003004${"01".repeat(1_024)}`);
    expect(record([new Uint8Array(1_025).fill(1)], false)).toBe(`0038044401${"01".repeat(1_025)}`);
  });

  test("finish() puts the length in front for byte lanes", () => {
    expect(record([new Uint8Array([1])], true)).toBe("04" + "00300401");
    expect(record([new Uint8Array(61)], true)).toBe(`4040003004${"00".repeat(61)}`);
    expect(record([new Uint8Array(60)], true)).toBe(`3f003004${"00".repeat(60)}`);
  });

  test("finish() gives nothing for a record without frames, and its bytes are used again", () => {
    const pool = new BufferPool();
    const writer = new RecordWriter(pool);
    writer.begin(100, 100);
    expect(writer.finish(true)).toBeUndefined();
    expect(pool.at).toBe(0);
  });

  test("begin() ends a record at its limit, or at the end of the slab when the room is there", () => {
    const pool = new BufferPool();
    const writer = new RecordWriter(pool);
    writer.begin(1_000, 2_000);
    expect(writer.room).toBe(1_999);
    expect(writer.length).toBe(1);
    pool.commit(0, pool.slab.length - 1_500);
    writer.begin(1_000, 2_000);
    expect(writer.room).toBe(1_500 - 4 - 1);
    writer.begin(1_500, 2_000);
    expect(writer.room).toBe(1_999);
  });

  test("a long payload is the second part of its record, where the transport takes two", () => {
    const payloads = [3, 16_383, 16_384, 65_536].map((length, i) => new Uint8Array(length).fill(i + 1));
    for (const prefixed of [false, true]) {
      for (const payload of payloads) {
        const [whole, parted] = [false, true].map((twoParts) => {
          const writer = new RecordWriter(new BufferPool(), twoParts);
          writer.begin(70_000, 70_000);
          writer.message(4 as StreamId, new Uint8Array(5), 5);
          writer.message(8 as StreamId, payload, payload.length);
          expect(writer.room <= 0, "nothing follows").toBe(twoParts && payload.length >= 16_384);
          const { length } = writer;
          const head = writer.finish(prefixed) as Bytes;
          return { head, tail: writer.tail, length };
        }) as [Written, Written];
        expect(whole.tail).toBeUndefined();
        expect(parted.tail).toBe(payload.length >= 16_384 ? payload : undefined);
        const joined = concatBytes(
          [parted.head, parted.tail ?? EMPTY],
          parted.head.length + (parted.tail?.length ?? 0),
        );
        expect(equalBytes(joined, whole.head)).toBe(true);
        if (payload.length > 1_024) expect(parted.length).toBe(whole.length);
      }
    }
  });

  test("a long payload is compressed, unless it is left as it is or holds a secret", () => {
    const payload = new Uint8Array(20_000);
    const write = (leaves: boolean, plain: boolean) => {
      const asked: number[] = [];
      const records = {
        numbers: [1],
        agree: () => {},
        leaves: () => leaves,
        compress: (_bytes: Uint8Array, start: number, end: number) => {
          asked.push(end - start);
          return end;
        },
        expand: () => EMPTY,
      };
      const writer = new RecordWriter(new BufferPool(), true, records);
      writer.begin(30_000, 30_000);
      writer.plain = plain;
      writer.message(4 as StreamId, payload, payload.length);
      writer.finish(true);
      return { asked, tail: writer.tail };
    };
    expect(write(true, false)).toEqual({ asked: [], tail: payload });
    expect(write(false, true)).toEqual({ asked: [], tail: payload });
    expect(write(false, false)).toEqual({ asked: [20_007], tail: undefined });
  });

  test("begin() forgets the second part of the record before", () => {
    const writer = new RecordWriter(new BufferPool(), true);
    writer.begin(20_000, 20_000);
    writer.message(4 as StreamId, new Uint8Array(17_000), 17_000);
    writer.finish(true);
    expect(writer.tail).toHaveLength(17_000);
    writer.begin(100, 100);
    expect(writer.tail).toBeUndefined();
  });

  test("records of one pool never overlap", () => {
    const body = fc.uint8Array({ maxLength: 2_000 });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.boolean(), fc.array(body, { maxLength: 3 })), { maxLength: 30 }),
        (records) => {
          const pool = new BufferPool();
          const writers = [new RecordWriter(pool), new RecordWriter(pool)];
          const made = records.map(([prefixed, bodies], i) => {
            const writer = writers[i % 2] as RecordWriter;
            writer.begin(8_192, 8_192);
            for (const one of bodies) {
              writer.frame(FrameType.DATAGRAM, 0, SESSION_ID, one.length);
              writer.put(one);
            }
            return writer.finish(prefixed);
          });
          for (const [i, [prefixed, bodies]] of records.entries()) {
            const bytes = made[i];
            expect(bytes === undefined).toBe(bodies.length === 0);
            if (bytes === undefined) continue;
            const reader = new FrameReader();
            const width = prefixed ? 1 << ((bytes[0] as number) >>> 6) : 0;
            reader.reset(bytes, width + 1);
            const got: string[] = [];
            while (reader.next()) got.push(toHex(bytes.subarray(reader.bodyAt, reader.bodyEnd)));
            expect(got).toEqual(bodies.map(toHex));
          }
        },
      ),
      { numRuns: 100, seed: 11 },
    );
  });
});
