import { MAX_BIGINT_BYTES, MAX_TIME_MS } from "./encode-scalar.ts";
import { fault } from "./faults.ts";
import type { ScalarKind } from "./node.ts";
import { type Reader, readUint32 } from "./reader.ts";
import { readText } from "./text.ts";

/**
 * Reads one value. Where all values of a schema have one length, the caller has checked that so many bytes are left;
 * otherwise the decoder does.
 * @throws {ProtocolError} `ERR_DECODE`.
 */
export type Decode = (reader: Reader) => unknown;

/** Eight bytes that are read as another type: cheaper than a view of each message. */
const word = new DataView(new ArrayBuffer(8));

/** The decoder of each kind of value without parts. Source: docs/protocol.md, section 13.2. */
export const SCALAR_DECODERS: Readonly<Record<ScalarKind, Decode>> = {
  nothing: () => undefined,
  bool: (reader) => {
    const byte = reader.bytes[reader.at++] as number;
    if (byte > 1) throw fault(`boolean ${byte}`);
    return byte === 1;
  },
  u8: (reader) => reader.bytes[reader.at++] as number,
  i8: (reader) => ((reader.bytes[reader.at++] as number) << 24) >> 24,
  u16: readUint16,
  i16: (reader) => (readUint16(reader) << 16) >> 16,
  u32: (reader) => {
    const { at } = reader;
    reader.at = at + 4;
    return readUint32(reader.bytes, at);
  },
  i32: (reader) => {
    const { at } = reader;
    reader.at = at + 4;
    return readUint32(reader.bytes, at) | 0;
  },
  u64: (reader) => {
    copyWord(reader);
    return word.getBigUint64(0);
  },
  i64: (reader) => {
    copyWord(reader);
    return word.getBigInt64(0);
  },
  f32: (reader) => {
    const { at } = reader;
    word.setUint32(0, readUint32(reader.bytes, at));
    reader.at = at + 4;
    return word.getFloat32(0);
  },
  f64: (reader) => {
    copyWord(reader);
    return word.getFloat64(0);
  },
  uint: (reader) => reader.length(),
  int: readInt,
  bigint: readBigInt,
  timestamp: readTime,
  date: (reader) => new Date(readTime(reader)),
  string: readText,
  bytes: (reader) => {
    const length = reader.length();
    reader.need(length);
    const { bytes, at } = reader;
    reader.at = at + length;
    return new Uint8Array(bytes.buffer, bytes.byteOffset + at, length);
  },
};

function copyWord(reader: Reader): void {
  const { bytes, at } = reader;
  word.setUint32(0, readUint32(bytes, at));
  word.setUint32(4, readUint32(bytes, at + 4));
  reader.at = at + 8;
}

function readUint16(reader: Reader): number {
  const { bytes, at } = reader;
  reader.at = at + 2;
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}

/** Read an `int`. */
export function readInt(reader: Reader): number {
  const low = reader.varint();
  const magnitude = reader.high * 0x8000_0000 + (low >>> 1);
  if ((low & 1) === 0) return magnitude;
  if (magnitude === 0) throw fault("negative zero");
  return -magnitude;
}

function readTime(reader: Reader): number {
  const { bytes, at } = reader;
  reader.at = at + 7;
  const high =
    ((bytes[at] as number) << 24) | ((bytes[at + 1] as number) << 16) | ((bytes[at + 2] as number) << 8);
  const time = (high >> 8) * 0x1_0000_0000 + readUint32(bytes, at + 3);
  if (time > MAX_TIME_MS || time < -MAX_TIME_MS) throw fault("time beyond what a Date can hold");
  return time;
}

function readBigInt(reader: Reader): bigint {
  const head = reader.length();
  const length = Math.floor(head / 2);
  if (length > MAX_BIGINT_BYTES) throw fault(`integer of ${length} bytes`);
  reader.need(length);
  const { bytes, at } = reader;
  if (length === 0) {
    if (head === 1) throw fault("negative zero");
    return 0n;
  }
  if (bytes[at] === 0) throw fault("integer that is not in its shortest form");
  let digits = "0x";
  for (let i = 0; i < length; i++) digits += (bytes[at + i] as number).toString(16).padStart(2, "0");
  reader.at = at + length;
  const magnitude = BigInt(digits);
  return head % 2 === 1 ? -magnitude : magnitude;
}
