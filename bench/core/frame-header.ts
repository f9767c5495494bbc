import type { Bytes } from "tideway";
import { FrameReader, MAX_HEADER_BYTES, type StreamId, writeFrameHeader } from "../../src/core/wire/frame.ts";
import * as FrameFlag from "../../src/core/wire/frame-flag.ts";
import * as FrameType from "../../src/core/wire/frame-type.ts";
import { type Bench, check, race } from "../harness.ts";
import { makeMessages } from "../messages.ts";

const PAYLOAD_BYTES = 64;
/** Frames of a record, on streams 1 to 63 in turn. */
const FRAMES = 512;
const STREAMS = 63;

/** P1: one frame header written and one read, the payload referenced and never copied. */
export const frameHeader: Bench = {
  id: "P1",
  async run(plan) {
    const [encoded] = await race(plan, encodeFrames);
    const [decoded] = await race(plan, decodeFrames);
    const nanoseconds = (perSecond: number) => 1e9 / perSecond;
    return [
      {
        id: "P1",
        name: "encode a frame header, 64 B payload referenced",
        unit: "ns",
        better: "lower",
        samples: encoded.map(nanoseconds),
        target: { value: 12 },
      },
      {
        id: "P1",
        name: "decode a frame header, 64 B payload referenced",
        unit: "ns",
        better: "lower",
        samples: decoded.map(nanoseconds),
        target: { value: 18 },
      },
    ];
  },
};

const pool = makeMessages(PAYLOAD_BYTES);
const headers: Bytes = new Uint8Array(FRAMES * MAX_HEADER_BYTES);
/** Payloads of the frames whose headers lie in `headers`. */
const payloads: Bytes[] = new Array(FRAMES).fill(pool[0]);
const record = makeRecord();
const reader = new FrameReader();

function streamOf(frame: number): StreamId {
  return (1 + (frame % STREAMS)) as StreamId;
}

function encodeFrames(count: number): number {
  const start = performance.now();
  for (let begun = 0; begun < count; begun += FRAMES) encodeRecord(Math.min(FRAMES, count - begun));
  const elapsed = performance.now() - start;
  encodeRecord(FRAMES);
  checkHeaders();
  return elapsed;
}

function encodeRecord(count: number): void {
  let at = 0;
  for (let frame = 0; frame < count; frame++) {
    const payload = pool[frame & (FRAMES - 1)]!;
    at = writeFrameHeader(headers, at, FrameType.DATA, FrameFlag.LEN, streamOf(frame), payload.length);
    payloads[frame] = payload;
  }
}

function checkHeaders(): void {
  let at = 0;
  for (let frame = 0; frame < FRAMES; frame++) {
    check(headers[at] === ((FrameType.DATA << 4) | FrameFlag.LEN), `frame ${frame} has another type`);
    check(headers[at + 1] === streamOf(frame), `frame ${frame} is on another stream`);
    // 64 is the first length of two bytes.
    check(headers[at + 2] === 0x40 && headers[at + 3] === PAYLOAD_BYTES, `frame ${frame} has another length`);
    check(payloads[frame] === pool[frame], `frame ${frame} has another payload`);
    at += 4;
  }
}

function makeRecord(): Bytes {
  const bytes: Bytes = new Uint8Array(FRAMES * (MAX_HEADER_BYTES + PAYLOAD_BYTES));
  let at = 0;
  for (let frame = 0; frame < FRAMES; frame++) {
    at = writeFrameHeader(bytes, at, FrameType.DATA, FrameFlag.LEN, streamOf(frame), PAYLOAD_BYTES);
    bytes.set(pool[frame]!, at);
    at += PAYLOAD_BYTES;
  }
  return bytes.subarray(0, at);
}

function decodeFrames(count: number): number {
  let sum = 0;
  const start = performance.now();
  for (let begun = 0; begun < count; begun += FRAMES) sum += decodeRecord(Math.min(FRAMES, count - begun));
  const elapsed = performance.now() - start;
  let expected = 0;
  for (let frame = 0; frame < FRAMES; frame++) expected += streamOf(frame) + PAYLOAD_BYTES + pool[frame]![0]!;
  check(decodeRecord(FRAMES) === expected, "decoded frames are not those that were encoded");
  check(sum >= Math.floor(count / FRAMES) * expected, "frames are missing");
  return elapsed;
}

/** @returns the sum of stream, length and first payload byte of the first `count` frames. */
function decodeRecord(count: number): number {
  let sum = 0;
  reader.reset(record, 0);
  for (let frame = 0; frame < count && reader.next(); frame++) {
    sum += reader.stream + (reader.bodyEnd - reader.bodyAt) + reader.bytes[reader.bodyAt]!;
  }
  return sum;
}
