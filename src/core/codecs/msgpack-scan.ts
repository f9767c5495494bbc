import type { Bytes } from "../bytes.ts";
import { ProtocolError } from "../errors.ts";
import type { DecodeLimits } from "./codec.ts";
import { findBadUtf8, findNonAscii } from "./utf8.ts";

/** U+FFFD. It takes as many bytes as the surrogate whose place it takes. */
const REPLACEMENT = new Uint8Array([0xef, 0xbf, 0xbd]);

/** Above this many bytes the library decodes text with a `TextDecoder`, which takes a leading U+FEFF away. */
const TEXT_DECODER_BYTES = 200;

/** What a scan lets pass, besides the limits. */
export interface ScanOptions extends DecodeLimits {
  /** Accept 64-bit integers that a `number` cannot hold. */
  readonly bigIntegers: boolean;
  /** Write U+FFFD over malformed text instead of refusing it. Only for bytes of our own encoder. */
  readonly repairText: boolean;
}

/**
 * One pass over a MessagePack value that builds nothing: it checks structure, limits, text and integers, so that
 * the decoder after it allocates only what the bytes really hold. Iterative; one instance is reused.
 *
 *     level    an open array or map; `left` values of it are still to come (a map entry is two, the key first)
 *     owed     values to come over all open levels; each takes a byte at least, so more than the bytes left is a lie
 *
 * Source: github.com/msgpack/msgpack, spec.md.
 */
export class MsgpackScanner {
  /** Strings whose leading U+FEFF the library would lose: offset of the head, offset of the text, text bytes. */
  readonly markedStrings: number[] = [];
  readonly #options: ScanOptions;
  /** For each open level but the innermost: twice the values left, plus one for a map. */
  readonly #levels: number[] = [];
  #bytes: Bytes = REPLACEMENT;
  #at = 0;
  #depth = 0;
  #owed = 0;
  #elements = 0;

  constructor(options: ScanOptions) {
    this.#options = options;
  }

  /** @throws {ProtocolError} `ERR_DECODE` unless `bytes` are exactly one value inside the limits. */
  scan(bytes: Bytes): void {
    if (this.markedStrings.length > 0) this.markedStrings.length = 0;
    this.#bytes = bytes;
    this.#at = this.#depth = this.#elements = 0;
    this.#owed = 1;
    let left = 1;
    let isMap = false;
    while (true) {
      left--;
      const head = bytes[this.#skip(1)] as number;
      this.#owed--;
      const count: number = isMap && (left & 1) === 1 ? this.#key(head) : this.#value(head);
      if (count !== 0) {
        this.#levels[this.#depth - 1] = left * 2 + (isMap ? 1 : 0);
        isMap = count < 0;
        left = isMap ? -2 * count : count;
      }
      while (left === 0) {
        if (this.#depth === 0) return this.#end();
        const level = this.#levels[--this.#depth] as number;
        left = level >>> 1;
        isMap = (level & 1) === 1;
      }
    }
  }

  #end(): void {
    if (this.#at < this.#bytes.length) throw fault(`${this.#bytes.length - this.#at} bytes behind the value`);
  }

  #key(head: number): 0 {
    if (head >= 0xa0 && head < 0xc0) return this.#text(head & 0x1f, 1);
    if (head >= 0xd9 && head <= 0xdb) return this.#longText(head);
    throw fault("map key that is not a string");
  }

  /** @returns how many values follow inside: n in an array, -n for n entries of a map, 0 for anything else. */
  #value(head: number): number {
    if (head < 0x80 || head >= 0xe0) return 0;
    if (head < 0x90) return -this.#open(head & 0x0f, 2);
    if (head < 0xa0) return this.#open(head & 0x0f, 1);
    if (head < 0xc0) return this.#text(head & 0x1f, 1);
    switch (head) {
      case 0xc0: // nil, false, true
      case 0xc2:
      case 0xc3:
        return 0;
      case 0xc4: // bin
      case 0xc5:
      case 0xc6:
        return this.#body(this.#length(1 << (head - 0xc4)));
      case 0xc7: // ext: the type is one byte more
      case 0xc8:
      case 0xc9:
        return this.#body(this.#length(1 << (head - 0xc7)) + 1);
      case 0xca: // float
      case 0xcb:
        return this.#body(4 << (head - 0xca));
      case 0xcf:
      case 0xd3:
        return this.#integer64(head === 0xd3);
      case 0xcc: // uint
      case 0xcd:
      case 0xce:
      case 0xd0: // int
      case 0xd1:
      case 0xd2:
        return this.#body(1 << (head & 3));
      case 0xd4: // fixext
      case 0xd5:
      case 0xd6:
      case 0xd7:
      case 0xd8:
        return this.#body((1 << (head - 0xd4)) + 1);
      case 0xd9: // str
      case 0xda:
      case 0xdb:
        return this.#longText(head);
      case 0xdc: // array
      case 0xdd:
        return this.#open(this.#length(2 << (head - 0xdc)), 1);
      case 0xde: // map
      case 0xdf:
        return -this.#open(this.#length(2 << (head - 0xde)), 2);
    }
    throw fault(`type byte 0x${head.toString(16)}`);
  }

  /** Open a level of `count` elements, or of entries when each is 2 values. */
  #open(count: number, valuesEach: 1 | 2): number {
    const { maxDepth, maxElements, maxKeys } = this.#options;
    if (this.#depth >= maxDepth) throw fault(`deeper than ${maxDepth} levels (maxDepth)`);
    if (valuesEach === 2 && count > maxKeys) throw fault(`${count} keys, over ${maxKeys} (maxKeys)`);
    this.#elements += count;
    if (this.#elements > maxElements) throw fault(`over ${maxElements} elements (maxElements)`);
    this.#owed += count * valuesEach;
    if (this.#owed > this.#bytes.length - this.#at) throw fault("more elements declared than bytes are left");
    if (count > 0) this.#depth++;
    return count;
  }

  #longText(head: number): 0 {
    const width = 1 << (head - 0xd9);
    return this.#text(this.#length(width), width + 1);
  }

  #text(length: number, headBytes: number): 0 {
    const bytes = this.#bytes;
    const start = this.#skip(length);
    const end = start + length;
    const at = findNonAscii(bytes, start, end);
    if (at === end) return 0;
    let bad = findBadUtf8(bytes, at, end);
    while (bad >= 0) {
      if (!this.#options.repairText) throw fault("text that is not UTF-8");
      bytes.set(REPLACEMENT, bad);
      bad = findBadUtf8(bytes, bad + REPLACEMENT.length, end);
    }
    const isMarked = bytes[start] === 0xef && bytes[start + 1] === 0xbb && bytes[start + 2] === 0xbf;
    if (isMarked && length > TEXT_DECODER_BYTES) this.markedStrings.push(start - headBytes, start, length);
    return 0;
  }

  #integer64(signed: boolean): 0 {
    const at = this.#skip(8);
    if (this.#options.bigIntegers) return 0;
    const unsignedHigh = readUint32(this.#bytes, at);
    const high = signed ? unsignedHigh | 0 : unsignedHigh;
    const isLeast = high === -0x20_0000 && readUint32(this.#bytes, at + 4) === 0;
    if (high < -0x20_0000 || high >= 0x20_0000 || isLeast) throw fault("integer beyond 2^53 - 1");
    return 0;
  }

  #body(length: number): 0 {
    this.#skip(length);
    return 0;
  }

  /** A big-endian length of 1, 2 or 4 bytes. */
  #length(width: number): number {
    const at = this.#skip(width);
    const bytes = this.#bytes;
    if (width === 1) return bytes[at] as number;
    if (width === 2) return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
    return readUint32(bytes, at);
  }

  /** @returns the offset of the `count` bytes moved over. */
  #skip(count: number): number {
    const at = this.#at;
    if (count > this.#bytes.length - at) throw fault("bytes end inside a value");
    this.#at = at + count;
    return at;
  }
}

function readUint32(bytes: Bytes, at: number): number {
  const high = ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
  const low = ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number);
  return high * 0x1_0000 + low;
}

function fault(what: string): ProtocolError {
  return new ProtocolError("ERR_DECODE", `Cannot decode msgpack: ${what}`);
}
