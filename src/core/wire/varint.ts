/**
 * QUIC variable-length integer: the top two bits of the first byte give the width.
 *
 *     00  1 byte   0 .. 63              10  4 bytes  0 .. 2^30 - 1
 *     01  2 bytes  0 .. 16_383          11  8 bytes  0 .. 2^53 - 1 (a larger value is refused)
 *
 * Only the shortest form of a value is accepted, so every value has one encoding.
 *
 * Source: RFC 9000, section 16; docs/protocol.md, section 2.
 */
import { ProtocolError } from "../errors.ts";

const TWO_32 = 0x1_0000_0000;

/** Bytes that `value` takes on the wire. */
export function varintBytes(value: number): 1 | 2 | 4 | 8 {
  return value < 64 ? 1 : value < 16_384 ? 2 : value < 1_073_741_824 ? 4 : 8;
}

/**
 * Write `value` (an integer, 0 .. 2^53 - 1) at `at`. The caller has made room: {@link varintBytes} bytes.
 * @returns the offset after the last byte written.
 */
export function writeVarint(into: Uint8Array, at: number, value: number): number {
  if (value < 64) {
    into[at] = value;
    return at + 1;
  }
  if (value < 16_384) {
    into[at] = 0x40 | (value >>> 8);
    into[at + 1] = value;
    return at + 2;
  }
  if (value < 1_073_741_824) {
    writeUint32(into, at, (value | 0x8000_0000) >>> 0);
    return at + 4;
  }
  writeUint32(into, at, (Math.floor(value / TWO_32) | 0xc000_0000) >>> 0);
  writeUint32(into, at + 4, value % TWO_32);
  return at + 8;
}

/** Bytes of the varint whose first byte is `first`. */
export function varintWidth(first: number): 1 | 2 | 4 | 8 {
  return (1 << (first >>> 6)) as 1 | 2 | 4 | 8;
}

/**
 * A position that moves over bytes. One instance is reused for many decodes, so that reading
 * a number allocates nothing.
 */
export class Cursor {
  /** The bytes being read. */
  bytes: Uint8Array;
  /** Offset of the next byte to read. */
  at: number;
  /** Offset after the last byte that may be read. */
  end: number;

  constructor(bytes: Uint8Array, at = 0, end: number = bytes.length) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  /** Start over on other bytes. @returns itself */
  reset(bytes: Uint8Array, at: number, end: number): Cursor {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
    return this;
  }

  /**
   * Read one varint and move behind it.
   * @throws {ProtocolError} when the bytes end inside it, it is not in its shortest form, or it exceeds 2^53 - 1.
   */
  varint(): number {
    const { bytes, at } = this;
    if (at >= this.end) throw truncated();
    const first = bytes[at] as number;
    if (first < 64) {
      this.at = at + 1;
      return first;
    }
    const width = varintWidth(first);
    if (at + width > this.end) throw truncated();
    this.at = at + width;
    const value = readWide(bytes, at, first, width);
    if (varintBytes(value) !== width)
      throw new ProtocolError("ERR_PROTOCOL", `Cannot accept varint ${value}: not shortest`);
    return value;
  }
}

/** For what is read in one go. One for all: an idle connection must not hold its last record. */
export const CURSOR: Cursor = new Cursor(new Uint8Array(0));

function readWide(bytes: Uint8Array, at: number, first: number, width: number): number {
  if (width === 2) return ((first & 0x3f) << 8) | (bytes[at + 1] as number);
  const high = readUint32(bytes, at) & 0x3fff_ffff;
  if (width === 4) return high;
  if (high >= 0x20_0000) throw new ProtocolError("ERR_PROTOCOL", "Cannot accept varint: above 2^53 - 1");
  return high * TWO_32 + readUint32(bytes, at + 4);
}

function truncated(): ProtocolError {
  return new ProtocolError("ERR_PROTOCOL", "Cannot read varint: bytes end inside it");
}

function writeUint32(into: Uint8Array, at: number, value: number): void {
  into[at] = value >>> 24;
  into[at + 1] = value >>> 16;
  into[at + 2] = value >>> 8;
  into[at + 3] = value;
}

function readUint32(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] as number) << 24) |
      ((bytes[at + 1] as number) << 16) |
      ((bytes[at + 2] as number) << 8) |
      (bytes[at + 3] as number)) >>>
    0
  );
}
