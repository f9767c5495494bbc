// The LZ4 block codec of src/core/compression/lz4.ts in AssemblyScript: the same steps, so the same bytes come out.
// scripts/wasm/build.mjs makes src/compression/lz4-wasm-bytes.ts of it.
//
//     0 .. 16 KiB   where each hash was seen last, so numbered that those of earlier calls are too far away
//     16 KiB ..     what the caller has put there; both regions have 32 bytes behind them that may be overwritten

const HASH_SHIFT: u32 = 20;
const HASH_FACTOR: u32 = 0x9e3779b1;
const MIN_MATCH: u32 = 4;
const MATCH_MARGIN: i32 = 12;
const LAST_LITERALS: u32 = 5;
const MOST_DISTANCE: u32 = 65535;
const SKIP_SHIFT: u32 = 6;
const MOST_BASE: u32 = 0x40000000;
const TABLE_BYTES: u32 = 16384;
const MALFORMED: u32 = 0xffffffff;

let base: u32 = 0;

// @ts-ignore: decorator
@inline
function slotOf(at: u32): u32 {
  return ((load<u32>(at) * HASH_FACTOR + (<u32>load<u8>(at + 4) << 24)) >>> HASH_SHIFT) << 2;
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

// The token, the literals behind it, and a match of `beyond` more than the least. The caller has made room.
// @ts-ignore: decorator
@inline
function writeSequence(from: u32, count: u32, at: u32, distance: u32, beyond: u32): u32 {
  const code = min(beyond, 15);
  if (count < 15) {
    store<u8>(at++, (count << 4) | code);
    v128.store(at, v128.load(from));
  } else {
    store<u8>(at++, 0xf0 | code);
    at = writeLength(at, count - 15);
    copyWild(at, from, count);
  }
  at += count;
  store<u16>(at, distance);
  at += 2;
  return beyond < 15 ? at : writeLength(at, beyond - 15);
}

// The last literals, which no match follows. 0 when there is no room.
function writeRest(from: u32, count: u32, at: u32, limit: u32): u32 {
  if (at + 2 + count + count / 255 > limit) return 0;
  if (count < 15) store<u8>(at++, count << 4);
  else {
    store<u8>(at++, 0xf0);
    at = writeLength(at, count - 15);
  }
  copyWild(at, from, count);
  return at + count;
}

export function compress(source: u32, length: u32, into: u32, room: u32): u32 {
  if (base > MOST_BASE || length > MOST_BASE - base) {
    memory.fill(0, 0, TABLE_BYTES);
    base = 0;
  }
  const offset = base + MOST_DISTANCE + 1 - source;
  base += MOST_DISTANCE + 1 + length;
  const limit = into + room;
  const end = source + length;
  const lastMatch = end - LAST_LITERALS;
  const lastStart: i32 = <i32>end - MATCH_MARGIN;
  let anchor = source;
  let written = into;
  let at = source;
  let misses: u32 = 1 << SKIP_SHIFT;
  while (<i32>at <= lastStart) {
    const slot = slotOf(at);
    const distance = at + offset - load<u32>(slot);
    store<u32>(slot, at + offset);
    if (distance > MOST_DISTANCE || load<u32>(at - distance) != load<u32>(at)) {
      at += misses++ >>> SKIP_SHIFT;
      if (at - anchor > limit - written) return 0;
      continue;
    }
    let start = at;
    while (start > anchor && start - distance > source && load<u8>(start - 1) == load<u8>(start - distance - 1))
      start--;
    const stop = matchEnd(at + MIN_MATCH, at + MIN_MATCH - distance, lastMatch);
    const beyond = stop - start - MIN_MATCH;
    const count = start - anchor;
    if (written + 5 + count + count / 255 + beyond / 255 > limit) return 0;
    written = writeSequence(anchor, count, written, distance, beyond);
    anchor = at = stop;
    misses = 1 << SKIP_SHIFT;
    if (<i32>at <= lastStart) store<u32>(slotOf(at - 2), at - 2 + offset);
  }
  written = writeRest(anchor, end - anchor, written, limit);
  return written == 0 ? 0 : written - into;
}

// Bytes that come out; MALFORMED when the block is so, or has more. Up to 32 bytes behind `room` may be overwritten
// before that is seen.
export function expand(source: u32, length: u32, into: u32, room: u32): u32 {
  const end = source + length;
  const limit = into + room;
  let at = source;
  let written = into;
  while (at < end && written <= limit) {
    const token: u32 = load<u8>(at++);
    let literals = token >>> 4;
    if (literals < 15) v128.store(written, v128.load(at));
    else {
      let byte: u32 = 255;
      while (byte == 255) {
        if (at >= end) return MALFORMED;
        byte = load<u8>(at++);
        literals += byte;
      }
      if (literals > end - at || literals > limit - written) return MALFORMED;
      copyWild(written, at, literals);
    }
    at += literals;
    written += literals;
    if (at + 2 > end || written > limit) return at == end && written <= limit ? written - into : MALFORMED;
    const distance: u32 = load<u16>(at);
    at += 2;
    if (distance - 1 >= written - into) return MALFORMED; // 0 is too far, too
    let count = (token & 15) + MIN_MATCH;
    if (count < 19) {
      if (distance >= 16) {
        const from = written - distance;
        v128.store(written, v128.load(from));
        store<u16>(written + 16, load<u16>(from + 16));
        written += count;
        continue;
      }
    } else {
      const more: u32 = load<u8>(at); // most long matches are little longer than a short one
      if (distance >= 16 && more <= 13) {
        const from = written - distance;
        at++;
        v128.store(written, v128.load(from));
        v128.store(written + 16, v128.load(from + 16));
        written += count + more;
        continue;
      }
      let byte: u32 = 255;
      while (byte == 255) {
        if (at >= end) return MALFORMED;
        byte = load<u8>(at++);
        count += byte;
      }
    }
    if (count > limit - written) return MALFORMED;
    repeat(written, distance, count);
    written += count;
  }
  return MALFORMED;
}

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
