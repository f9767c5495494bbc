/** From this many bytes on, a view that reads four at a time is worth what it costs. */
const WORDS_FROM_BYTES = 256;
const TOP_BITS = 0x8080_8080;

/** Offset of the first byte from `at` on that is not ASCII, or `end` when all are. */
export function findNonAscii(bytes: Uint8Array, at: number, end: number): number {
  let from = end - at < WORDS_FROM_BYTES ? at : skipAsciiWords(bytes, at, end);
  while (from < end && (bytes[from] as number) < 0x80) from++;
  return from;
}

/** An offset near the first byte that is not ASCII, not behind it. */
function skipAsciiWords(bytes: Uint8Array, at: number, end: number): number {
  const start = (bytes.byteOffset + at + 3) & ~3;
  for (let i = at; i < start - bytes.byteOffset; i++) if ((bytes[i] as number) >= 0x80) return i;
  const words = new Int32Array(bytes.buffer, start, (bytes.byteOffset + end - start) >>> 2);
  let i = 0;
  while (i + 3 < words.length) {
    const four =
      (words[i] as number) | (words[i + 1] as number) | (words[i + 2] as number) | (words[i + 3] as number);
    if ((four & TOP_BITS) !== 0) break;
    i += 4;
  }
  return start - bytes.byteOffset + i * 4;
}

/**
 * First sequence that is not well-formed UTF-8: overlong, a surrogate, above U+10FFFF, cut off, or a stray byte.
 * @param end - offset after the last byte; a sequence may not go beyond it
 * @returns its offset, or -1 when there is none.
 * Source: Unicode 16, table 3-7.
 */
export function findBadUtf8(bytes: Uint8Array, at: number, end: number): number {
  while (at < end) {
    const lead = bytes[at] as number;
    if (lead < 0x80) {
      at++;
      continue;
    }
    if (lead >= 0xc2 && lead < 0xe0 && at + 1 < end && ((bytes[at + 1] as number) & 0xc0) === 0x80) {
      at += 2; // most of what is not ASCII in European text
      continue;
    }
    const more = lead < 0xc2 ? 0 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : lead < 0xf5 ? 3 : 0;
    if (more === 0 || at + more >= end) return at;
    const second = bytes[at + 1] as number;
    const low = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
    const high = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
    if (second < low || second > high) return at;
    for (let i = 2; i <= more; i++) if (((bytes[at + i] as number) & 0xc0) !== 0x80) return at;
    at += more + 1;
  }
  return -1;
}
