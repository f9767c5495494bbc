// Whether a codec should write into the record: node scripts/run-ts.mjs bench/codecs/into-record.ts
// See docs/decisions/0019-messages-are-encoded-before-their-record.md.
import { type Bytes, equalBytes } from "../../src/core/bytes.ts";
import type { CompiledSchema } from "../../src/core/schema/compiled.ts";
import { compileEncoder } from "../../src/core/schema/encode.ts";
import { Writer } from "../../src/core/schema/writer.ts";
import { BufferPool } from "../../src/core/wire/buffer-pool.ts";
import type { StreamId } from "../../src/core/wire/frame.ts";
import * as FrameFlag from "../../src/core/wire/frame-flag.ts";
import * as FrameType from "../../src/core/wire/frame-type.ts";
import { RecordWriter } from "../../src/core/wire/record-writer.ts";
import { varintBytes, writeVarint } from "../../src/core/wire/varint.ts";
import { check } from "../harness.ts";
import { median } from "../statistics.ts";
import { SHAPES } from "./shapes.ts";

/** A stream whose number takes one byte. */
const STREAM = 5 as StreamId;
/** DATA with a length, as `RecordWriter.message()` begins it. */
const DATA_WITH_LENGTH = (FrameType.DATA << 4) | FrameFlag.LEN;
const RECORD_BYTES = 65_000;
/** Room for the longest message. */
const MESSAGE_BYTES = 2_000;
const SLAB_BYTES = 4_096;
const RUNS = 400;

/** Puts one message into the record, and into `kept` what the stream keeps of it for a resume. */
type Put = (into: RecordWriter, message: object, kept: Bytes[]) => void;

/** What `Session` does: the stream keeps what the codec gave, the record gets a copy. */
function encodeThenCopy(schema: CompiledSchema<object>): Put {
  return (into, message, kept) => {
    const payload = schema.encode(message);
    kept.push(payload);
    into.message(STREAM, payload, payload.length);
  };
}

/** The second half of that alone: what is to be sent has been encoded before. */
function copyAlone(schema: CompiledSchema<object>): Put {
  const known: Map<object, Bytes> = new Map();
  return (into, message, kept) => {
    let payload = known.get(message);
    if (payload === undefined) {
      payload = schema.encode(message);
      known.set(message, payload);
    }
    kept.push(payload);
    into.message(STREAM, payload, payload.length);
  };
}

/** The codec writes behind the header, whose length is mended; the stream keeps nothing. */
function encodeIntoRecord(schema: CompiledSchema<object>): Put {
  const encode = compileEncoder(schema.node);
  const writer = new Writer();
  return (into, message) => {
    if (writer.bytes !== into.bytes) {
      writer.bytes = into.bytes as Bytes;
      writer.view = new DataView(writer.bytes.buffer, writer.bytes.byteOffset, writer.bytes.length);
    }
    const { at, bytes } = into;
    writer.at = at + 3;
    writer.begin(64, MESSAGE_BYTES);
    encode(writer, message);
    const length = writer.at - (at + 3);
    const body = at + 2 + varintBytes(length);
    if (body !== at + 3) bytes.copyWithin(body, at + 3, writer.at);
    bytes[at] = DATA_WITH_LENGTH;
    bytes[at + 1] = STREAM;
    writeVarint(bytes, at + 2, length);
    into.at = body + length;
  };
}

/** The same, and the stream keeps a copy: a record may be compressed, and its slab is large. */
function encodeIntoRecordAndKeep(schema: CompiledSchema<object>): Put {
  const put = encodeIntoRecord(schema);
  let slab = new Uint8Array(SLAB_BYTES);
  let free = 0;
  return (into, message, kept) => {
    const { at } = into;
    put(into, message, kept);
    const length = into.at - at;
    if (length > slab.length - free) {
      slab = new Uint8Array(Math.max(SLAB_BYTES, length));
      free = 0;
    }
    const copy = new Uint8Array(slab.buffer, free, length);
    copy.set(into.bytes.subarray(at, into.at) as Bytes);
    free += length;
    kept.push(copy);
  };
}

/** A record full of messages. @returns how many they are, and the record. */
function fill(into: RecordWriter, messages: readonly object[], put: Put): { count: number; record: Bytes } {
  const kept: Bytes[] = [];
  let count = 0;
  into.begin(RECORD_BYTES, RECORD_BYTES);
  for (; into.room > 2 * MESSAGE_BYTES; count++) put(into, messages[count % messages.length] as object, kept);
  // A record drops the length of its last frame, which only `message()` has told it of.
  into.message(STREAM, new Uint8Array(1), 1);
  return { count, record: into.finish(false) as Bytes };
}

const ways = { encodeThenCopy, copyAlone, encodeIntoRecord, encodeIntoRecordAndKeep };
for (const { name, schema, messages } of SHAPES) {
  const into = new RecordWriter(new BufferPool());
  const puts = Object.values(ways).map((way) => way(schema as unknown as CompiledSchema<object>));
  const [first, ...others] = puts.map((put) => fill(into, messages, put).record.slice());
  for (const other of others) check(equalBytes(first as Bytes, other), `${name}: records differ`);
  const samples: number[][] = puts.map(() => []);
  for (let run = 0; run < RUNS; run++) {
    for (const [at, put] of puts.entries()) {
      const start = performance.now();
      const { count } = fill(into, messages, put);
      if (run > RUNS / 4) samples[at]?.push((1e6 * (performance.now() - start)) / count);
    }
  }
  const texts = Object.keys(ways).map(
    (way, at) => `${way} ${Math.round(median(samples[at] as number[]))} ns`,
  );
  console.log(`${name}: ${texts.join(", ")}`);
}
