// The LZ4 block codec of src/core/compression/lz4.ts in AssemblyScript: the same steps, so the same bytes come out.
// scripts/wasm/build.mjs makes src/compression/lz4-wasm-bytes.ts of it.
//
//     0 .. 16 KiB   where each hash was seen last, plus `base`
//     16 KiB ..     what the caller has put there; both regions have 32 bytes behind them that may be overwritten

const HASH_SHIFT: u32 = 20;
const HASH_FACTOR: u32 = 0x9e3779b1;
const MIN_MATCH: u32 = 4;
const MATCH_MARGIN: i32 = 12;
const LAST_LITERALS: u32 = 5;
const MOST_DISTANCE: u32 = 65535;
const SKIP_SHIFT: u32 = 6;
const MOST_BASE: u32 = 0x1000000;
const TABLE_BYTES: u32 = 16384;

let base: u32 = 1;

// @ts-ignore: decorator
@inline
function slotOf(word: u32): u32 {
  return ((word * HASH_FACTOR) >>> HASH_SHIFT) << 2;
}

// May write up to 15 bytes more than `count`.
// @ts-ignore: decorator
@inline
function copyWild(into: u32, from: u32, count: u32): void {
  const end = into + count;
  do {
    v128.store(into, v128.load(from));
    into += 16;
    from += 16;
  } while (into < end);
}

function writeLength(at: u32, beyond: u32): u32 {
  while (beyond >= 255) {
    store<u8>(at++, 255);
    beyond -= 255;
  }
  store<u8>(at++, beyond);
  return at;
}

// @ts-ignore: decorator
@inline
function matchEnd(at: u32, from: u32, most: u32): u32 {
  while (at + 8 <= most) {
    const differ = load<u64>(at) ^ load<u64>(from);
    if (differ != 0) return at + ((<u32>ctz(differ)) >>> 3);
    at += 8;
    from += 8;
  }
  while (at < most && load<u8>(at) == load<u8>(from)) {
    at++;
    from++;
  }
  return at;
}

// Offset behind the literals, or 0 when there is no room.
function writeLiterals(from: u32, count: u32, at: u32, code: u32, reserve: u32, limit: u32): u32 {
  if (at + 2 + count + count / 255 + reserve > limit) return 0;
  if (count < 15) store<u8>(at++, (count << 4) | code);
  else {
    store<u8>(at++, 0xf0 | code);
    at = writeLength(at, count - 15);
  }
  copyWild(at, from, count);
  return at + count;
}

export function compress(source: u32, length: u32, into: u32, room: u32): u32 {
  if (base > MOST_BASE || length > MOST_BASE - base) {
    memory.fill(0, 0, TABLE_BYTES);
    base = 1;
  }
  const offset = base;
  base += length + 1;
  const limit = into + room;
  const end = source + length;
  const lastMatch = end - LAST_LITERALS;
  const lastStart: i32 = <i32>end - MATCH_MARGIN;
  let anchor = source;
  let written = into;
  let at = source;
  let misses: u32 = 1 << SKIP_SHIFT;
  while (<i32>at <= lastStart) {
    const word = load<u32>(at);
    const slot = slotOf(word);
    const seen = load<u32>(slot);
    store<u32>(slot, at - source + offset);
    const candidate = source + (seen - offset);
    if (seen < offset || at - candidate > MOST_DISTANCE || load<u32>(candidate) != word) {
      at += misses++ >>> SKIP_SHIFT;
      if (at - anchor > limit - written) return 0;
      continue;
    }
    let start = at;
    let match = candidate;
    while (start > anchor && match > source && load<u8>(start - 1) == load<u8>(match - 1)) {
      start--;
      match--;
    }
    const distance = start - match;
    const stop = matchEnd(at + MIN_MATCH, at + MIN_MATCH - distance, lastMatch);
    const beyond = stop - start - MIN_MATCH;
    written = writeLiterals(anchor, start - anchor, written, min(beyond, 15), 3 + beyond / 255, limit);
    if (written == 0) return 0;
    store<u16>(written, distance);
    written += 2;
    if (beyond >= 15) written = writeLength(written, beyond - 15);
    anchor = at = stop;
    misses = 1 << SKIP_SHIFT;
    if (<i32>at <= lastStart) store<u32>(slotOf(load<u32>(at - 2)), at - 2 - source + offset);
  }
  written = writeLiterals(anchor, end - anchor, written, 0, 0, limit);
  return written == 0 ? 0 : written - into;
}

// Bytes that come out; 0xffffffff when the block is malformed or has more.
export function expand(source: u32, length: u32, into: u32, room: u32): u32 {
  const end = source + length;
  const limit = into + room;
  let at = source;
  let written = into;
  while (at < end) {
    const token: u32 = load<u8>(at++);
    let literals = token >>> 4;
    if (literals == 15) {
      let byte: u32 = 255;
      while (byte == 255) {
        if (at >= end) return 0xffffffff;
        byte = load<u8>(at++);
        literals += byte;
      }
    }
    if (literals > end - at || literals > limit - written) return 0xffffffff;
    copyWild(written, at, literals);
    at += literals;
    written += literals;
    if (at == end) return written - into;
    if (end - at < 2) return 0xffffffff;
    const distance: u32 = load<u16>(at);
    at += 2;
    if (distance == 0 || distance > written - into) return 0xffffffff;
    let count = (token & 15) + MIN_MATCH;
    if (count == 19) {
      let byte: u32 = 255;
      while (byte == 255) {
        if (at >= end) return 0xffffffff;
        byte = load<u8>(at++);
        count += byte;
      }
    }
    if (count > limit - written) return 0xffffffff;
    repeat(written, distance, count);
    written += count;
  }
  return 0xffffffff;
}

// @ts-ignore: decorator
@inline
function repeat(at: u32, distance: u32, count: u32): void {
  if (distance >= 16) {
    copyWild(at, at - distance, count);
    return;
  }
  const end = at + count;
  if (count <= 16) {
    while (at < end) {
      store<u8>(at, load<u8>(at - distance));
      at++;
    }
    return;
  }
  // Each round doubles what is there to copy from, until whole blocks can be copied.
  const from = at - distance;
  let there = distance;
  while (there < 16) {
    for (let i: u32 = 0; i < there; i++) store<u8>(at + i, load<u8>(from + i));
    at += there;
    there <<= 1;
  }
  if (at < end) copyWild(at, at - there, end - at);
}
