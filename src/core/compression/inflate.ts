import type { Bytes } from "../bytes.ts";
import { badBytes } from "./compressor.ts";

/** First length, and extra bits, of the codes from 257; the same for distances. Source: RFC 1951, section 3.2.5. */
const LENGTHS = [
  3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195,
  227, 258,
];
const LENGTH_BITS = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
const DISTANCES = [
  1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1_025, 1_537, 2_049, 3_073,
  4_097, 6_145, 8_193, 12_289, 16_385, 24_577,
];
const DISTANCE_BITS = [
  0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13,
];
/** Order in which the lengths of the code of code lengths come. */
const ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
const END = 256;
const MOST_BITS = 15;

/** A prefix code as a table: the next bits of the input give a symbol and the bits that it takes. */
interface Code {
  /** `symbol << 4 | bits`; 0 where no symbol begins so. */
  readonly table: Uint16Array;
  readonly mask: number;
}

/** @throws {ProtocolError} when the lengths are not those of a code. */
function codeOf(lengths: Uint8Array): Code {
  let most = 1;
  const counts = new Uint16Array(MOST_BITS + 1);
  for (const length of lengths) {
    counts[length] = (counts[length] as number) + 1;
    if (length > most) most = length;
  }
  counts[0] = 0;
  const next = new Uint16Array(MOST_BITS + 2);
  let code = 0;
  for (let bits = 1; bits <= most; bits++) {
    code = (code + (counts[bits - 1] as number)) << 1;
    next[bits] = code;
    if (code + (counts[bits] as number) > 1 << bits) throw badBytes("deflate", "a code has too many symbols");
  }
  const table = new Uint16Array(1 << most);
  for (let symbol = 0; symbol < lengths.length; symbol++) {
    const bits = lengths[symbol] as number;
    if (bits === 0) continue;
    let reversed = 0;
    const own = next[bits] as number;
    next[bits] = own + 1;
    for (let i = 0; i < bits; i++) reversed |= ((own >>> i) & 1) << (bits - 1 - i);
    for (let at = reversed; at < table.length; at += 1 << bits) table[at] = (symbol << 4) | bits;
  }
  return { table, mask: table.length - 1 };
}

let fixed: readonly [Code, Code] | undefined;

/** The codes of a block that brings none. */
function fixedCodes(): readonly [Code, Code] {
  if (fixed !== undefined) return fixed;
  const lengths = new Uint8Array(288).fill(8);
  lengths.fill(9, 144, 256).fill(7, 256, 280);
  fixed = [codeOf(lengths), codeOf(new Uint8Array(30).fill(5))];
  return fixed;
}

/** Reads one block after the other; stops with an error as soon as more comes out than there is room for. */
class Inflater {
  readonly #source: Uint8Array;
  readonly #into: Bytes;
  #at = 0;
  #held = 0;
  #heldBits = 0;
  #written = 0;

  constructor(source: Uint8Array, into: Bytes) {
    this.#source = source;
    this.#into = into;
  }

  run(): void {
    for (let last = 0; last === 0; ) {
      last = this.#bits(1);
      const kind = this.#bits(2);
      if (kind === 0) this.#stored();
      else if (kind === 1) this.#block(fixedCodes());
      else if (kind === 2) this.#block(this.#codes());
      else throw badBytes("deflate", "a block of an unknown kind");
    }
    if (this.#written !== this.#into.length)
      throw badBytes("deflate", `${this.#written} bytes come out instead of ${this.#into.length}`);
    if (this.#at - (this.#heldBits >>> 3) !== this.#source.length)
      throw badBytes("deflate", "something follows the last block");
  }

  /** Have `count` bits at hand; what is beyond the end reads as 0, and is refused when it is taken. */
  #fill(count: number): void {
    while (this.#heldBits < count && this.#at < this.#source.length) {
      this.#held |= (this.#source[this.#at++] as number) << this.#heldBits;
      this.#heldBits += 8;
    }
  }

  #take(count: number): void {
    if (count > this.#heldBits) throw badBytes("deflate", "it is cut off");
    this.#held >>>= count;
    this.#heldBits -= count;
  }

  #bits(count: number): number {
    this.#fill(count);
    const value = this.#held & ((1 << count) - 1);
    this.#take(count);
    return value;
  }

  #symbol({ table, mask }: Code): number {
    this.#fill(MOST_BITS);
    const entry = table[this.#held & mask] as number;
    if (entry === 0) throw badBytes("deflate", "no symbol begins so");
    this.#take(entry & 15);
    return entry >>> 4;
  }

  #room(count: number): void {
    if (count > this.#into.length - this.#written)
      throw badBytes("deflate", `more than ${this.#into.length} bytes come out`);
  }

  #stored(): void {
    this.#take(this.#heldBits & 7);
    const length = this.#bits(16);
    if ((this.#bits(16) ^ 0xffff) !== length) throw badBytes("deflate", "a length and its complement differ");
    this.#at -= this.#heldBits >>> 3;
    this.#held = this.#heldBits = 0;
    if (length > this.#source.length - this.#at) throw badBytes("deflate", "it is cut off");
    this.#room(length);
    this.#into.set(this.#source.subarray(this.#at, this.#at + length), this.#written);
    this.#at += length;
    this.#written += length;
  }

  /** The codes of a block that brings its own. */
  #codes(): readonly [Code, Code] {
    const literals = this.#bits(5) + 257;
    const distances = this.#bits(5) + 1;
    const count = this.#bits(4) + 4;
    const lengths = new Uint8Array(19);
    for (let i = 0; i < count; i++) lengths[ORDER[i] as number] = this.#bits(3);
    const code = codeOf(lengths);
    const all = new Uint8Array(literals + distances);
    for (let i = 0; i < all.length; ) {
      const symbol = this.#symbol(code);
      if (symbol < 16) {
        all[i++] = symbol;
        continue;
      }
      if (symbol === 16 && i === 0) throw badBytes("deflate", "a length repeats none");
      const repeated = symbol === 16 ? (all[i - 1] as number) : 0;
      const times =
        symbol === 16 ? 3 + this.#bits(2) : symbol === 17 ? 3 + this.#bits(3) : 11 + this.#bits(7);
      if (times > all.length - i) throw badBytes("deflate", "too many lengths");
      all.fill(repeated, i, i + times);
      i += times;
    }
    if (all[END] === 0) throw badBytes("deflate", "a block has no end");
    return [codeOf(all.subarray(0, literals)), codeOf(all.subarray(literals))];
  }

  #block([literals, distances]: readonly [Code, Code]): void {
    const into = this.#into;
    for (;;) {
      const symbol = this.#symbol(literals);
      if (symbol < END) {
        this.#room(1);
        into[this.#written++] = symbol;
        continue;
      }
      if (symbol === END) return;
      if (symbol > 285) throw badBytes("deflate", `length code ${symbol}`);
      const length = (LENGTHS[symbol - 257] as number) + this.#bits(LENGTH_BITS[symbol - 257] as number);
      const far = this.#symbol(distances);
      if (far > 29) throw badBytes("deflate", `distance code ${far}`);
      const distance = (DISTANCES[far] as number) + this.#bits(DISTANCE_BITS[far] as number);
      if (distance > this.#written) throw badBytes("deflate", `distance ${distance} at ${this.#written}`);
      this.#room(length);
      const end = this.#written + length;
      for (let at = this.#written; at < end; at++) into[at] = into[at - distance] as number;
      this.#written = end;
    }
  }
}

/**
 * Expand deflate into exactly `length` bytes. What does not stop there is not read on, unlike in decoders that grow
 * their output, or write beyond its end unseen.
 * @throws {ProtocolError} `ERR_COMPRESS` when it is malformed, cut off, longer or shorter.
 * Source: RFC 1951.
 */
export function inflate(source: Uint8Array, length: number, into: Bytes = new Uint8Array(length)): Bytes {
  const room = into.subarray(0, length);
  new Inflater(source, room).run();
  return room;
}
