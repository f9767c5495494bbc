import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ARRIVALS, fromHex, toHex } from "../../../test/byte-lane.ts";
import type { Bytes } from "../bytes.ts";
import { ProtocolError } from "../errors.ts";
import { FrameReader, MAX_HEADER_BYTES, type StreamId, writeFrameHeader } from "./frame.ts";
import * as FrameFlag from "./frame-flag.ts";
import * as FrameType from "./frame-type.ts";

function header(type: number, flags: number, stream: number, length: number): string {
  const bytes = new Uint8Array(MAX_HEADER_BYTES);
  return toHex(bytes.subarray(0, writeFrameHeader(bytes, 0, type, flags, stream as StreamId, length)));
}

function framesOf(bytes: Bytes, at = 0): string[] {
  const reader = new FrameReader();
  reader.reset(bytes, at);
  const frames: string[] = [];
  while (reader.next()) {
    frames.push(
      `${reader.type} ${reader.flags} ${reader.stream} ${toHex(reader.bytes.subarray(reader.bodyAt, reader.bodyEnd))}`,
    );
  }
  return frames;
}

describe("writeFrameHeader()", () => {
  test("writes type, flags, stream and length", () => {
    expect(header(FrameType.HELLO, 0, 0, 99)).toBe("1000");
    expect(header(FrameType.OPEN, FrameFlag.LEN, 4, 3)).toBe("280403");
    expect(header(FrameType.DATA, FrameFlag.LEN | FrameFlag.FIN, 63, 63)).toBe("3c3f3f");
    expect(header(FrameType.DATA, FrameFlag.LEN | FrameFlag.MORE, 64, 64)).toBe("3940404040");
    expect(header(FrameType.DATA, FrameFlag.LEN, 16_384, 65_536)).toBe("38800040008" + "0010000");
    expect(header(FrameType.EXTENSION, 15, Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)).toBe(
      "ffc01fffffffffffffc01fffffffffffff",
    );
  });
});

describe.each(ARRIVALS)("FrameReader, %s", (_name, arrive) => {
  test("next() walks over the frames of a record", () => {
    const record = arrive(fromHex("00 280401aa 3c4040 02 bbcc 3204 dd"));
    expect(framesOf(record, 1)).toEqual(["2 8 4 aa", "3 12 64 bbcc", "3 2 4 dd"]);
  });

  test("next() reads a frame without a length to the end of the record", () => {
    expect(framesOf(arrive(fromHex("3004")))).toEqual(["3 0 4 "]);
    expect(framesOf(arrive(fromHex("30404001")))).toEqual(["3 0 64 01"]);
  });

  test.each([
    ["30", "no stream"],
    ["3804", "no length"],
    ["380401", "no body"],
    ["38040201", "a body that ends too early"],
    ["3040", "half a stream"],
    ["380480000000", "a length that is not shortest"],
    ["304001", "a stream that is not shortest"],
    ["3804ffffffffffffffff", "a length above 2^53 - 1"],
    ["3804c01fffffffffffff", "the largest length"],
  ])("next() rejects %s: %s", (text) => {
    const bytes = arrive(fromHex(text));
    const read = () => framesOf(bytes);
    expect(read).toThrow(ProtocolError);
    try {
      read();
    } catch (error) {
      expect((error as ProtocolError).code).toBe("ERR_PROTOCOL");
    }
  });

  test("next() gives what was written, whatever it is", () => {
    const number = fc.oneof(fc.nat(63), fc.nat(20_000), fc.maxSafeNat());
    const frame = fc.record({
      type: fc.nat(15),
      flags: fc.nat(15).map((flags) => flags | FrameFlag.LEN),
      stream: number,
      body: fc.uint8Array({ maxLength: 300 }),
    });
    fc.assert(
      fc.property(fc.array(frame, { minLength: 1, maxLength: 6 }), fc.boolean(), (frames, open) => {
        const bytes = new Uint8Array(
          frames.reduce((sum, { body }) => sum + MAX_HEADER_BYTES + body.length, 0),
        );
        let at = 0;
        for (const [i, { type, flags, stream, body }] of frames.entries()) {
          const last = open && i === frames.length - 1;
          if (last) frames[i]!.flags &= ~FrameFlag.LEN;
          at = writeFrameHeader(
            bytes,
            at,
            type,
            last ? flags & ~FrameFlag.LEN : flags,
            stream as StreamId,
            body.length,
          );
          bytes.set(body, at);
          at += body.length;
        }
        expect(framesOf(arrive(bytes.slice(0, at)))).toEqual(
          frames.map(({ type, flags, stream, body }) => `${type} ${flags} ${stream} ${toHex(body)}`),
        );
      }),
      { numRuns: 300, seed: 1 },
    );
  });

  test("next() answers random bytes with frames or a ProtocolError", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 80 }), (bytes) => {
        try {
          const total = framesOf(arrive(bytes.slice() as Bytes)).length;
          expect(total).toBeGreaterThan(0);
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError);
        }
      }),
      { numRuns: 1_000, seed: 2 },
    );
  });
});
