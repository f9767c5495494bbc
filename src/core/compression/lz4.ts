import { badBytes, type Compressor, CompressorNumber, checkLength, MostPassed } from "./compressor.ts";

/** Places that are remembered, as a power of two: 16 KiB, which fit the fastest cache beside the data. */
const HASH_BITS = 12;
const HASH_SHIFT = 32 - HASH_BITS;
/** A multiplicative hash of 4 bytes (Knuth's constant), to which a fifth is added: longer matches are found so. */
const HASH_FACTOR = 0x9e3779b1 | 0;
const MIN_MATCH = 4;
/** The last bytes of a block are literals, and no match begins this close to the end. Source: the block format. */
const LAST_LITERALS = 5;
const MATCH_MARGIN = 12;
const MOST_DISTANCE = 65_535;
/** After 2^6 misses in a row every second place is looked at, then every third: noise is passed over fast. */
const SKIP_SHIFT = 6;
/** Longer runs are copied by the runtime, shorter ones by a loop. */
const LOOP_BYTES = 32;
/** `places` is cleared when positions in it would pass this; they stay below 2^31. */
const MOST_BASE = 0x4000_0000;

/**
 * Where each hash was seen last. Each call numbers its positions so that those of earlier calls are too far away to
 * be used: nothing is cleared between calls, and the output depends on nothing but `source`.
 */
const places = new Int32Array(1 << HASH_BITS);
let base = 0;

/** Write a length of 15 or more behind its token. @returns the offset behind it. */
function writeLength(into: Uint8Array, at: number, beyond: number): number {
  let rest = beyond;
  while (rest >= 255) {
    into[at++] = 255;
    rest -= 255;
  }
  into[at++] = rest;
  return at;
}

function copy(from: Uint8Array, start: number, length: number, into: Uint8Array, at: number): void {
  if (length > LOOP_BYTES) into.set(from.subarray(start, start + length), at);
  else for (let i = 0; i < length; i++) into[at + i] = from[start + i] as number;
}

/** Write literals and the token of a sequence whose match has `matchCode`. @returns the offset, 0 for no room. */
function writeLiterals(
  source: Uint8Array,
  from: number,
  length: number,
  into: Uint8Array,
  at: number,
  matchCode: number,
  reserve: number,
): number {
  if (at + 2 + length + ((length / 255) | 0) + reserve > into.length) return 0;
  const high = length < 15 ? length : 15;
  into[at++] = (high << 4) | matchCode;
  if (high === 15) at = writeLength(into, at, length - 15);
  copy(source, from, length, into, at);
  return at + length;
}

/**
 * Compress to one LZ4 block.
 * @returns the bytes written; 0 when the block does not fit `into`.
 * Source: LZ4 block format, version 1.6.
 */
export function compressLz4(source: Uint8Array, into: Uint8Array): number {
  const { length } = source;
  const lastStart = length - MATCH_MARGIN;
  const matchEnd = length - LAST_LITERALS;
  if (base > MOST_BASE - length) {
    places.fill(0);
    base = 0;
  }
  const offset = base + MOST_DISTANCE + 1;
  base = offset + length;
  let anchor = 0;
  let written = 0;
  let at = 0;
  let misses = 1 << SKIP_SHIFT;
  while (at <= lastStart) {
    const word = four(source, at);
    const slot = slotOf(word, source[at + 4] as number);
    const distance = at + offset - (places[slot] as number);
    places[slot] = at + offset;
    if (distance > MOST_DISTANCE || four(source, at - distance) !== word) {
      at += misses++ >> SKIP_SHIFT;
      if (at - anchor > into.length - written) return 0; // the literals alone do not fit
      continue;
    }
    let start = at;
    while (start > anchor && start > distance && source[start - 1] === source[start - distance - 1]) start--;
    let end = at + MIN_MATCH;
    while (end < matchEnd && source[end] === source[end - distance]) end++;
    const beyond = end - start - MIN_MATCH;
    const reserve = 2 + ((beyond / 255) | 0) + 1;
    written = writeLiterals(source, anchor, start - anchor, into, written, Math.min(beyond, 15), reserve);
    if (written === 0) return 0;
    into[written++] = distance & 255;
    into[written++] = distance >>> 8;
    if (beyond >= 15) written = writeLength(into, written, beyond - 15);
    anchor = at = end;
    misses = 1 << SKIP_SHIFT;
    if (at <= lastStart) places[slotOf(four(source, at - 2), source[at + 2] as number)] = at - 2 + offset;
  }
  return writeLiterals(source, anchor, length - anchor, into, written, 0, 0);
}

function slotOf(word: number, fifth: number): number {
  return (Math.imul(word, HASH_FACTOR) + (fifth << 24)) >>> HASH_SHIFT;
}

function four(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] as number) |
    ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 3] as number) << 24)
  );
}

/**
 * Expand one LZ4 block.
 * @returns the bytes written.
 * @throws {ProtocolError} `ERR_COMPRESS` when the block is malformed or stands for more than `into` holds.
 */
export function expandLz4(source: Uint8Array, into: Uint8Array): number {
  const end = source.length;
  const most = into.length;
  let at = 0;
  let written = 0;
  while (at < end) {
    const token = source[at++] as number;
    let literals = token >>> 4;
    if (literals === 15) {
      let byte = 255;
      while (byte === 255) {
        if (at >= end) throw badBytes("lz4", "a length is cut off");
        byte = source[at++] as number;
        literals += byte;
      }
    }
    if (literals > end - at) throw badBytes("lz4", `${literals} literals, ${end - at} bytes are left`);
    if (literals > most - written) throw badBytes("lz4", `more than ${most} bytes come out`);
    copy(source, at, literals, into, written);
    at += literals;
    written += literals;
    if (at === end) return written;
    if (end - at < 2) throw badBytes("lz4", "a distance is cut off");
    const distance = (source[at] as number) | ((source[at + 1] as number) << 8);
    at += 2;
    if (distance === 0 || distance > written) throw badBytes("lz4", `distance ${distance} at ${written}`);
    let length = (token & 15) + MIN_MATCH;
    if (length === 15 + MIN_MATCH) {
      let byte = 255;
      while (byte === 255) {
        if (at >= end) throw badBytes("lz4", "a length is cut off");
        byte = source[at++] as number;
        length += byte;
      }
    }
    if (length > most - written) throw badBytes("lz4", `more than ${most} bytes come out`);
    repeat(into, written, distance, length);
    written += length;
  }
  throw badBytes("lz4", "the last literals are missing");
}

/** Copy what lies `distance` before `at` to `at`; what is copied may itself be what is copied from. */
function repeat(into: Uint8Array, at: number, distance: number, length: number): void {
  const end = at + length;
  if (length <= LOOP_BYTES) {
    for (let i = at; i < end; i++) into[i] = into[i - distance] as number;
    return;
  }
  // Each round doubles what is there to copy from.
  const from = at - distance;
  for (let there = distance; at < end; there *= 2) {
    const count = Math.min(there, end - at);
    into.copyWithin(at, from, from + count);
    at += count;
  }
}

/** LZ4 in TypeScript: what every runtime has. Fast both ways, and little memory: 16 KiB for the whole process. */
export const lz4: Compressor = {
  name: "lz4",
  number: CompressorNumber.lz4,
  mostPassed: MostPassed.lz4,
  compress: compressLz4,
  expand: (source, length, into = new Uint8Array(length)) => {
    const room = into.subarray(0, length);
    return checkLength("lz4", room.subarray(0, expandLz4(source, room)), length);
  },
};
