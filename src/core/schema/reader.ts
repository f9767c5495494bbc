import type { Bytes } from "../bytes.ts";
import { EMPTY } from "../bytes.ts";
import { fault } from "./faults.ts";

/** Where decoders read. One instance is reused: no decoder runs code of the application. */
export class Reader {
  bytes: Bytes = EMPTY;
  at = 0;
  end = 0;
  /** Levels of recursion that may still open. */
  room = 0;
  /** Elements and entries that may still come, over all levels. */
  elements = 0;
  /** Most entries of one map. */
  maxKeys = 0;

  /** @throws {ProtocolError} unless `count` bytes are left. */
  need(count: number): void {
    if (count > this.end - this.at) throw fault("bytes end inside a value");
  }

  /**
   * A number of elements, of which each takes `least` bytes. Nothing may be allocated by it all the same.
   * @throws {ProtocolError} when the bytes left cannot hold them, or they are more than the limit.
   */
  count(least: number): number {
    const count = this.length();
    if (count * least > this.end - this.at) throw fault("more elements declared than bytes are left");
    this.elements -= count;
    if (this.elements < 0) throw fault("too many elements (maxElements)");
    return count;
  }

  /** A length: an unsigned varint. */
  length(): number {
    const { bytes, at } = this;
    if (at < this.end) {
      const first = bytes[at] as number;
      if (first < 64) {
        this.at = at + 1;
        return first;
      }
    }
    return this.#longVarint();
  }

  #longVarint(): number {
    const low = this.varint();
    if (this.high >= 0x20_0000) throw fault("integer beyond 2^53 - 1");
    return this.high * 0x1_0000_0000 + low;
  }

  /** Bits above the lowest 32 of the last {@link varint}. */
  high = 0;

  /** The lowest 32 bits of a varint of up to 54 bits, in its shortest form. */
  varint(): number {
    this.need(1);
    const { bytes, at } = this;
    const first = bytes[at] as number;
    const width = 1 << (first >>> 6);
    this.need(width);
    this.at = at + width;
    this.high = 0;
    if (width === 1) return first;
    if (width === 2) {
      const value = ((first & 0x3f) << 8) | (bytes[at + 1] as number);
      if (value < 64) throw notShortest();
      return value;
    }
    const top = readUint32(bytes, at) & 0x3fff_ffff;
    if (width === 4) {
      if (top < 16_384) throw notShortest();
      return top;
    }
    if (top >= 0x40_0000) throw fault("integer beyond 2^53 - 1");
    const low = readUint32(bytes, at + 4);
    if (top === 0 && low < 0x4000_0000) throw notShortest();
    this.high = top;
    return low;
  }
}

/** A big-endian number of four bytes. */
export function readUint32(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] as number) << 24) |
      ((bytes[at + 1] as number) << 16) |
      ((bytes[at + 2] as number) << 8) |
      (bytes[at + 3] as number)) >>>
    0
  );
}

function notShortest(): Error {
  return fault("integer that is not in its shortest form");
}
