import type { Bytes } from "tideway";
import { concatBytes } from "../../src/core/bytes.ts";
import { DEFAULT_LIMITS, RECORD_SLACK_BYTES } from "../../src/core/limits.ts";
import { BufferPool } from "../../src/core/wire/buffer-pool.ts";
import { FrameReader, MAX_HEADER_BYTES, type StreamId } from "../../src/core/wire/frame.ts";
import * as FrameType from "../../src/core/wire/frame-type.ts";
import { MAGIC, RecordReader } from "../../src/core/wire/record.ts";
import { RecordWriter } from "../../src/core/wire/record-writer.ts";
import { type Bench, elapsedMs, race, type Work } from "../harness.ts";
import { checkTally, makeMessages, Tally } from "../messages.ts";

const PAYLOAD_BYTES = 65_536;
const RECORD_BYTES = PAYLOAD_BYTES + RECORD_SLACK_BYTES;
/** What a socket hands over at a time. Records do not end where chunks do. */
const CHUNK_BYTES = 65_536;
const STREAM = 4 as StreamId;
/** Records of the lane that is decoded. */
const RECORDS = 32;

const pool = makeMessages(PAYLOAD_BYTES);

/** P2: records of one 64 KiB payload on a lane of bytes, against copying as much. */
export const recordThroughput: Bench = {
  id: "P2",
  async run(plan) {
    const [encoded, decoded, fresh, reused] = await race(
      plan,
      encodeRecords,
      decodeRecords(),
      copyFresh,
      copyReused,
    );
    const gigabytes = (perSecond: number) => (perSecond * PAYLOAD_BYTES) / 1e9;
    const common = { id: "P2", unit: "GB/s", better: "higher" } as const;
    const peer = { name: "copy into a fresh buffer", samples: fresh.map(gigabytes) };
    return [
      {
        ...common,
        name: "encode 64 KiB records",
        samples: encoded.map(gigabytes),
        peer,
        target: { value: 2.5 },
      },
      {
        ...common,
        name: "decode 64 KiB records",
        samples: decoded.map(gigabytes),
        peer,
        target: { value: 1.8 },
      },
      { ...common, name: "(reference) copy 64 KiB into one buffer", samples: reused.map(gigabytes), peer },
    ];
  },
};

async function encodeRecords(count: number): Promise<number> {
  const writer = new RecordWriter(new BufferPool());
  const tally = new Tally();
  const elapsed = await elapsedMs(() => {
    for (let i = 0; i < count; i++) {
      const record = encodeRecord(writer, pool[i % pool.length]!);
      tally.add(record.subarray(record.length - PAYLOAD_BYTES));
    }
  });
  checkTally(tally, pool, count);
  return elapsed;
}

function encodeRecord(writer: RecordWriter, payload: Bytes): Bytes {
  writer.begin(MAX_HEADER_BYTES + payload.length, RECORD_BYTES);
  writer.frame(FrameType.DATA, 0, STREAM, payload.length);
  writer.put(payload);
  return writer.finish(true)!;
}

function decodeRecords(): Work {
  const chunks = makeChunks();
  return (count) => {
    const frames = new FrameReader();
    const tally = new Tally();
    const start = performance.now();
    while (tally.count < count) decodeLane(chunks, frames, tally, count);
    const elapsed = performance.now() - start;
    checkTally(tally, pool, count);
    return elapsed;
  };
}

/** The bytes of a lane with every payload of the pool in turn, cut as a socket cuts them. */
function makeChunks(): readonly Bytes[] {
  const writer = new RecordWriter(new BufferPool());
  const parts: Bytes[] = [MAGIC];
  for (let i = 0; i < RECORDS; i++) parts.push(encodeRecord(writer, pool[i % pool.length]!));
  const total = parts.reduce((sum, part) => sum + part.length, 0);
  const lane = concatBytes(parts, total);
  return Array.from({ length: Math.ceil(total / CHUNK_BYTES) }, (_, index) =>
    lane.subarray(index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES),
  );
}

/** Decode a lane from its beginning, up to `count` messages in all. */
function decodeLane(chunks: readonly Bytes[], frames: FrameReader, tally: Tally, count: number): void {
  const records = new RecordReader(DEFAULT_LIMITS.maxFrameBytes + RECORD_SLACK_BYTES);
  for (const chunk of chunks) {
    records.push(chunk);
    for (let record = records.next(); record !== undefined; record = records.next()) {
      frames.reset(record, 1);
      while (frames.next()) tally.add(frames.bytes.subarray(frames.bodyAt, frames.bodyEnd));
      if (tally.count === count) return;
    }
  }
}

async function copyFresh(count: number): Promise<number> {
  const tally = new Tally();
  const elapsed = await elapsedMs(() => {
    for (let i = 0; i < count; i++) {
      const copy = new Uint8Array(PAYLOAD_BYTES);
      copy.set(pool[i % pool.length]!, 0);
      tally.add(copy);
    }
  });
  checkTally(tally, pool, count);
  return elapsed;
}

async function copyReused(count: number): Promise<number> {
  const tally = new Tally();
  const copy = new Uint8Array(PAYLOAD_BYTES);
  const elapsed = await elapsedMs(() => {
    for (let i = 0; i < count; i++) {
      copy.set(pool[i % pool.length]!, 0);
      tally.add(copy);
    }
  });
  checkTally(tally, pool, count);
  return elapsed;
}
