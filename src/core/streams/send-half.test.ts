import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toHex } from "../../../test/byte-lane.ts";
import { EMPTY } from "../bytes.ts";
import { ProtocolError } from "../errors.ts";
import { BufferPool } from "../wire/buffer-pool.ts";
import { FrameReader, type StreamId } from "../wire/frame.ts";
import * as FrameFlag from "../wire/frame-flag.ts";
import * as FrameType from "../wire/frame-type.ts";
import { RecordWriter } from "../wire/record-writer.ts";
import { FIN_CHARGE, MESSAGE_CHARGE } from "./flow.ts";
import { SendHalf, type WriteEnd } from "./send-half.ts";

const ID = 4 as StreamId;

interface Written {
  readonly end: WriteEnd;
  readonly frames: readonly { readonly flags: number; readonly body: string; readonly length: number }[];
}

/** One record's worth of `half`. */
function write(half: SendHalf, options: { credit?: number; quantum?: number; room?: number } = {}): Written {
  const { credit = 1e9, quantum = 1e9, room = 4_096 } = options;
  const writer = new RecordWriter(new BufferPool());
  writer.begin(room, room);
  const end = half.write(writer, ID, credit, quantum);
  const record = writer.finish(false);
  const reader = new FrameReader();
  reader.reset(record ?? EMPTY, record === undefined ? 0 : 1);
  const frames: { flags: number; body: string; length: number }[] = [];
  while (reader.next()) {
    const body = reader.bytes.subarray(reader.bodyAt, reader.bodyEnd);
    frames.push({ flags: reader.flags & ~FrameFlag.LEN, body: toHex(body), length: body.length });
  }
  return { end, frames };
}

describe("SendHalf", () => {
  test("write() waits for credit for a whole message when half of the peer's window holds it", () => {
    const half = new SendHalf(4_096, 65_536);
    for (let i = 0; i < 3; i++) half.push(new Uint8Array(1_500));
    expect(write(half, { room: 8_192 })).toMatchObject({
      end: "credit",
      frames: [{ length: 1_500 }, { length: 1_500 }],
    });
    half.acknowledge(1_532, 5_628);
    expect(write(half)).toMatchObject({ end: "empty", frames: [{ flags: 0, length: 1_500 }] });
  });

  test("write() cuts a message that half of the peer's window cannot hold", () => {
    const half = new SendHalf(4_096, 65_536);
    half.push(new Uint8Array(3_000));
    half.push(new Uint8Array(3_000));
    const { end, frames } = write(half, { room: 8_192 });
    expect(end).toBe("credit");
    expect(frames).toMatchObject([
      { flags: 0, length: 3_000 },
      { flags: FrameFlag.MORE, length: 1_064 },
    ]);
  });

  test("write() puts small messages one behind the other, FIN on the last", () => {
    const half = new SendHalf(1_000, 4_096);
    half.push(new Uint8Array([1]));
    half.push(EMPTY);
    half.push(new Uint8Array([2]));
    half.finish(EMPTY);
    expect(half.queued).toBe(2 + 3 * MESSAGE_CHARGE + FIN_CHARGE);
    expect(write(half)).toEqual({
      end: "empty",
      frames: [
        { flags: 0, body: "01", length: 1 },
        { flags: 0, body: "", length: 0 },
        { flags: FrameFlag.FIN, body: "02", length: 1 },
      ],
    });
    expect(half.finished).toBe(true);
    expect(half.sent).toBe(half.queued);
  });

  test("write() ends a half that has nothing else to say", () => {
    const half = new SendHalf(1_000, 4_096);
    half.finish(EMPTY);
    expect(write(half).frames).toEqual([{ flags: FrameFlag.FIN | FrameFlag.MORE, body: "", length: 0 }]);
  });

  test("write() sends a trailer in a frame of its own", () => {
    const half = new SendHalf(1_000, 4_096);
    half.push(new Uint8Array([1]));
    half.finish(new Uint8Array([0]));
    expect(write(half).frames).toEqual([
      { flags: 0, body: "01", length: 1 },
      { flags: FrameFlag.FIN | FrameFlag.MORE | FrameFlag.EXT, body: "00", length: 1 },
    ]);
  });

  test("the completing fragment needs its charge: a message may end in a frame without bytes", () => {
    const half = new SendHalf(2_000, 65_536);
    half.push(new Uint8Array(2_000));
    expect(write(half)).toMatchObject({ end: "credit", frames: [{ flags: FrameFlag.MORE, length: 2_000 }] });
    half.acknowledge(0, 2_031);
    expect(write(half)).toMatchObject({ end: "credit", frames: [] });
    half.acknowledge(0, 2_032);
    expect(write(half)).toMatchObject({ end: "empty", frames: [{ flags: 0, length: 0 }] });
    expect(half.sent).toBe(2_032);
  });

  test("FIN needs one byte of credit, of the stream and of the session", () => {
    const half = new SendHalf(42, 4_096);
    half.push(new Uint8Array(10));
    half.finish(EMPTY);
    expect(write(half)).toMatchObject({ end: "credit", frames: [{ flags: 0, length: 10 }] });
    expect(half.finished).toBe(false);
    half.acknowledge(0, 43);
    expect(write(half, { credit: 0 })).toMatchObject({ end: "session-credit", frames: [] });
    expect(write(half, { credit: 1 })).toMatchObject({ end: "empty", frames: [{ length: 0 }] });
    expect(half.finished).toBe(true);
  });

  test("write() makes no fragment below 1024 bytes but the last", () => {
    const half = new SendHalf(1e9, 65_536);
    half.push(new Uint8Array(3_000));
    expect(write(half, { credit: 1_023 })).toMatchObject({ end: "session-credit", frames: [] });
    expect(write(half, { room: 1_000 })).toMatchObject({ end: "room", frames: [] });
    expect(write(half, { credit: 1_024 }).frames).toMatchObject([{ flags: FrameFlag.MORE, length: 1_024 }]);
    expect(half.partAt).toBe(0);
    expect(half.rest).toBe(1_976 + MESSAGE_CHARGE);
    expect(write(half).frames).toMatchObject([{ flags: 0, length: 1_976 }]);
    expect(half.partAt).toBe(-1);
  });

  test("write() stops after its quantum, and at the peer's frame limit", () => {
    const half = new SendHalf(1e9, 4_096);
    half.push(new Uint8Array(20_000));
    const first = write(half, { room: 60_000, quantum: 8_000 });
    expect(first.end).toBe("quantum");
    expect(first.frames.map(({ length }) => length)).toEqual([4_096, 4_096]);
    expect(write(half, { room: 60_000 }).frames.map(({ length }) => length)).toEqual([4_096, 4_096, 3_616]);
  });

  test("acknowledge() lets go of messages that are consumed whole", () => {
    const half = new SendHalf(1_000, 4_096);
    half.push(new Uint8Array(10));
    half.push(new Uint8Array(20));
    half.finish(EMPTY);
    write(half);
    expect(half.acknowledge(41, 1_100)).toBe(false);
    expect(half.acknowledge(42, 1_100)).toBe(false);
    expect(half.acked).toBe(42);
    expect(half.acknowledge(95, 1_100)).toBe(true);
    expect(half.closed).toBe(true);
    expect(half.acknowledge(0, 0)).toBe(false);
    expect(() => new SendHalf(10, 4_096).acknowledge(1, 10)).toThrow(ProtocolError);
  });

  test("acknowledgeAll() needs FIN to be sent", () => {
    const half = new SendHalf(1_000, 4_096);
    half.finish(EMPTY);
    expect(half.acknowledgeAll()).toBe(false);
    write(half);
    expect(half.acknowledgeAll()).toBe(true);
    expect(half.acknowledgeAll()).toBe(false);
  });

  test("acceptable and longestUnsent tell about what waits", () => {
    const half = new SendHalf(100, 4_096);
    expect(half.acceptable).toBe(true);
    half.push(new Uint8Array(5_000));
    expect(half.acceptable).toBe(false);
    expect(half.longestUnsent).toBe(5_000);
    expect(half.unsent).toBe(5_032);
    half.reset();
    expect(half.unsent).toBe(0);
    expect(half.longestUnsent).toBe(0);
  });

  test("every byte comes out in order, whatever credit and room there is", () => {
    const amount = fc.integer({ min: 0, max: 5_000 });
    fc.assert(
      fc.property(
        fc.array(amount, { maxLength: 12 }),
        fc.array(fc.tuple(amount, amount, fc.integer({ min: 1_100, max: 9_000 })), { maxLength: 20 }),
        (lengths, turns) => {
          const half = new SendHalf(0, 4_096);
          for (const [i, length] of lengths.entries()) half.push(new Uint8Array(length).fill(i));
          half.finish(EMPTY);
          const bodies: string[] = [];
          let message = "";
          let charged = 0;
          const play = (credit: number, limit: number, room: number) => {
            half.acknowledge(half.acked, half.limit + limit);
            for (const { flags, body, length } of write(half, { credit, room }).frames) {
              const more = (flags & FrameFlag.MORE) !== 0;
              const fin = (flags & FrameFlag.FIN) !== 0;
              charged += length + (more ? 0 : MESSAGE_CHARGE) + (fin ? FIN_CHARGE : 0);
              expect(charged).toBe(half.sent <= half.limit ? charged : -1);
              message += body;
              if (!more) {
                bodies.push(message);
                message = "";
              }
            }
          };
          for (const [credit, limit, room] of turns) play(credit, limit, room);
          for (let i = 0; i < 30; i++) play(1e9, 100_000, 9_000);
          expect(bodies).toEqual(lengths.map((length, i) => toHex(new Uint8Array(length).fill(i))));
          expect(charged).toBe(half.queued);
          expect(half.finished).toBe(true);
        },
      ),
      { numRuns: 100, seed: 10 },
    );
  });

  test("writeFrame() puts OPEN's prefix and what fits of the first message in one frame", () => {
    const writer = new RecordWriter(new BufferPool());
    const half = new SendHalf(1_000, 4_096);
    half.push(new Uint8Array([7, 8]));
    writer.begin(1_024, 1_024);
    expect(half.writeFrame(writer, FrameType.OPEN, 0, ID, new Uint8Array([0]), 1)).toBe(true);
    expect(half.partAt).toBe(0);
    expect(toHex(writer.finish(false)!)).toBe("0021040007");
    const poor = new SendHalf(1_000, 4_096);
    poor.push(new Uint8Array([7, 8]));
    writer.begin(1_024, 1_024);
    expect(poor.writeFrame(writer, FrameType.OPEN, 0, ID, new Uint8Array([0]), 0)).toBe(true);
    expect(poor.partAt).toBe(-1);
    expect(poor.writeFrame(writer, FrameType.DATA, 0, ID, EMPTY, 34)).toBe(true);
    expect(toHex(writer.finish(false)!)).toBe("0029040100" + "30040708");
    expect(half.writeFrame(writer, FrameType.OPEN, 0, ID, new Uint8Array(5_000), 100)).toBe(false);
  });
});
