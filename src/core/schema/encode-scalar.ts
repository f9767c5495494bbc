import { writeVarint } from "../wire/varint.ts";
import { MISFIT } from "./faults.ts";
import type { ScalarKind } from "./node.ts";
import { writeText } from "./text.ts";
import type { Writer } from "./writer.ts";

/**
 * Writes one value. Where all values of a schema have one length, the caller has made room for it; otherwise the
 * encoder makes room itself.
 * @throws {symbol} {@link MISFIT} when the value does not fit.
 */
export type Encode = (writer: Writer, value: unknown) => void;

/** Longest bigint, bytes. */
export const MAX_BIGINT_BYTES = 1_024;

/** Farthest time from the epoch that a `Date` can hold, ms. Source: ECMA-262, section 21.4.1.1. */
export const MAX_TIME_MS = 8_640_000_000_000_000;

/** The encoder of each kind of value without parts. Source: docs/protocol.md, section 13.2. */
export const SCALAR_ENCODERS: Readonly<Record<ScalarKind, Encode>> = {
  nothing: (_, value) => {
    if (value !== undefined) throw MISFIT;
  },
  bool: (writer, value) => {
    if (typeof value !== "boolean") throw MISFIT;
    writer.bytes[writer.at++] = value ? 1 : 0;
  },
  u8: (writer, value) => {
    if (typeof value !== "number" || (value & 0xff) !== value) throw MISFIT;
    writer.bytes[writer.at++] = value;
  },
  i8: (writer, value) => {
    if (typeof value !== "number" || (value << 24) >> 24 !== value) throw MISFIT;
    writer.bytes[writer.at++] = value;
  },
  u16: (writer, value) => {
    if (typeof value !== "number" || (value & 0xffff) !== value) throw MISFIT;
    writeInt16(writer, value);
  },
  i16: (writer, value) => {
    if (typeof value !== "number" || (value << 16) >> 16 !== value) throw MISFIT;
    writeInt16(writer, value);
  },
  u32: (writer, value) => {
    if (typeof value !== "number" || value >>> 0 !== value) throw MISFIT;
    writeInt32(writer, value);
  },
  i32: (writer, value) => {
    if (typeof value !== "number" || (value | 0) !== value) throw MISFIT;
    writeInt32(writer, value);
  },
  u64: (writer, value) => {
    if (typeof value !== "bigint" || BigInt.asUintN(64, value) !== value) throw MISFIT;
    writer.view.setBigUint64(writer.at, value);
    writer.at += 8;
  },
  i64: (writer, value) => {
    if (typeof value !== "bigint" || BigInt.asIntN(64, value) !== value) throw MISFIT;
    writer.view.setBigInt64(writer.at, value);
    writer.at += 8;
  },
  f32: (writer, value) => {
    if (typeof value !== "number") throw MISFIT;
    writer.view.setFloat32(writer.at, value);
    writer.at += 4;
  },
  f64: (writer, value) => {
    if (typeof value !== "number") throw MISFIT;
    writer.view.setFloat64(writer.at, value);
    writer.at += 8;
  },
  uint: (writer, value) => {
    if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) throw MISFIT;
    writeLength(writer, value);
  },
  int: writeInt,
  bigint: writeBigInt,
  timestamp: (writer, value) => {
    if (typeof value !== "number" || !isTime(value)) throw MISFIT;
    writeTime(writer, value);
  },
  date: (writer, value) => {
    if (!(value instanceof Date)) throw MISFIT;
    const time = value.getTime();
    if (!isTime(time)) throw MISFIT;
    writeTime(writer, time);
  },
  string: writeText,
  bytes: (writer, value) => {
    if (!(value instanceof Uint8Array)) throw MISFIT;
    const { length } = value;
    writeLength(writer, length);
    writer.ensure(length);
    writer.bytes.set(value, writer.at);
    writer.at += length;
  },
};

/** A length or another unsigned varint. */
export function writeLength(writer: Writer, value: number): void {
  writer.ensure(8);
  writer.at = writeVarint(writer.bytes, writer.at, value);
}

function writeInt16(writer: Writer, value: number): void {
  const { bytes, at } = writer;
  bytes[at] = value >>> 8;
  bytes[at + 1] = value;
  writer.at = at + 2;
}

function writeInt32(writer: Writer, value: number): void {
  const { bytes, at } = writer;
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
  writer.at = at + 4;
}

/** Twice the magnitude, plus one when it is negative, as a varint: that has up to 54 bits. */
export function writeInt(writer: Writer, value: unknown): void {
  if (typeof value !== "number" || !Number.isSafeInteger(value)) throw MISFIT;
  const sign = value < 0 ? 1 : 0;
  const magnitude = Math.abs(value);
  if (magnitude < 0x10_0000_0000_0000) {
    writeLength(writer, magnitude * 2 + sign);
    return;
  }
  writer.ensure(8);
  const high = Math.floor(magnitude / 0x8000_0000);
  writer.view.setUint32(writer.at, (high | 0xc000_0000) >>> 0);
  writer.view.setUint32(writer.at + 4, (magnitude % 0x8000_0000) * 2 + sign);
  writer.at += 8;
}

/** Seven bytes, two's complement. */
function writeTime(writer: Writer, time: number): void {
  const high = Math.floor(time / 0x1_0000_0000);
  const low = time - high * 0x1_0000_0000;
  const { bytes, at } = writer;
  bytes[at] = high >>> 16;
  bytes[at + 1] = high >>> 8;
  bytes[at + 2] = high;
  bytes[at + 3] = low >>> 24;
  bytes[at + 4] = low >>> 16;
  bytes[at + 5] = low >>> 8;
  bytes[at + 6] = low;
  writer.at = at + 7;
}

/** Whether a number is a time in whole milliseconds that a `Date` can hold. */
export function isTime(time: number): boolean {
  return Number.isInteger(time) && Math.abs(time) <= MAX_TIME_MS;
}

/** Twice the number of bytes, plus one when negative, as a varint; then the magnitude in so many bytes. */
function writeBigInt(writer: Writer, value: unknown): void {
  if (typeof value !== "bigint") throw MISFIT;
  const magnitude = value < 0n ? -value : value;
  const digits = magnitude === 0n ? "" : magnitude.toString(16);
  const length = (digits.length + 1) >>> 1;
  if (length > MAX_BIGINT_BYTES) throw MISFIT;
  writeLength(writer, length * 2 + (value < 0n ? 1 : 0));
  writer.ensure(length);
  const padded = digits.length % 2 === 0 ? digits : `0${digits}`;
  for (let i = 0; i < length; i++) {
    writer.bytes[writer.at++] = Number.parseInt(padded.slice(i * 2, i * 2 + 2), 16);
  }
}
