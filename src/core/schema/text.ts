import { decodeText } from "../bytes.ts";
import { varintBytes, writeVarint } from "../wire/varint.ts";
import { fault, MISFIT } from "./faults.ts";
import type { Reader } from "./reader.ts";
import type { Writer } from "./writer.ts";

/** A text of so many characters is written here; a longer one natively, which costs a short one more. */
const SHORT_CHARS = 48;

/** An ASCII text of so many bytes is looked up among those that came before. */
const CACHED_BYTES = 32;
const CACHE_SLOTS = 512;

const encoder = new TextEncoder();

/**
 * Texts by their length and some of their bytes, and all bytes of each. They find names that come again and again, so
 * that they are not made anew.
 */
const cache: string[] = new Array<string>(CACHE_SLOTS).fill("");
const cached: Uint8Array = new Uint8Array(CACHE_SLOTS * CACHED_BYTES);

/** The units of a text that is being made, a list for each length. */
const UNITS: number[][] = Array.from({ length: CACHED_BYTES + 1 }, (_, length) =>
  new Array<number>(length).fill(0),
);

/** A text: its length in bytes, then UTF-8. A lone surrogate becomes U+FFFD. */
export function writeText(writer: Writer, text: unknown): void {
  if (typeof text !== "string") throw MISFIT;
  const { length } = text;
  if (length > SHORT_CHARS) {
    writeLongText(writer, text);
    return;
  }
  writer.ensure(length + 1);
  const { bytes, at } = writer;
  const from = at + 1;
  let all = 0;
  for (let i = 0; i < length; i++) {
    const unit = text.charCodeAt(i);
    all |= unit;
    bytes[from + i] = unit;
  }
  if (all >= 0x80) {
    writeLongText(writer, text);
    return;
  }
  bytes[at] = length;
  writer.at = from + length;
}

/** Most texts are ASCII: room is made for that, and for more where it turns out to be needed. */
function writeLongText(writer: Writer, text: string): void {
  const width = varintBytes(text.length);
  writer.ensure(width + text.length);
  writer.at += width;
  const from = writer.at - writer.start;
  let rest = text;
  for (;;) {
    const { read, written } = encoder.encodeInto(rest, writer.bytes.subarray(writer.at));
    writer.at += written;
    if (read === rest.length) break;
    rest = rest.slice(read);
    writer.ensure(rest.length * 3);
  }
  closeLength(writer, from, width);
}

/**
 * Write the length of what was written since `from` into the `width` bytes before it, and move it where that is not
 * the width that its length takes.
 * @param from - relative to the start of the message
 */
export function closeLength(writer: Writer, from: number, width: number): void {
  const length = writer.at - writer.start - from;
  const needed = varintBytes(length);
  if (needed > width) writer.ensure(needed - width);
  const body = writer.start + from;
  if (needed !== width) {
    writer.bytes.copyWithin(body - width + needed, body, writer.at);
    writer.at += needed - width;
  }
  writeVarint(writer.bytes, body - width, length);
}

/** Read what {@link writeText} writes. */
export function readText(reader: Reader): string {
  const length = reader.length();
  reader.need(length);
  const { at } = reader;
  reader.at = at + length;
  return length <= CACHED_BYTES
    ? readShortText(reader.bytes, at, length)
    : readLongText(reader.bytes, at, length);
}

function readLongText(bytes: Uint8Array, at: number, length: number): string {
  try {
    return decodeText(bytes.subarray(at, at + length));
  } catch {
    throw fault("text that is not UTF-8");
  }
}

/** Comparing bytes with bytes takes half the time of comparing them with characters, and finds all that is not ASCII. */
function readShortText(bytes: Uint8Array, at: number, length: number): string {
  if (length === 0) return "";
  const end = at + length;
  const some = ((bytes[at] as number) * 31 + (bytes[at + (length >>> 1)] as number)) * 31;
  const last = (bytes[end - 1] as number) * 7 + (length > 1 ? (bytes[end - 2] as number) : 0);
  const slot = (some + last * 31 + length) & (CACHE_SLOTS - 1);
  const known = cache[slot] as string;
  const base = slot * CACHED_BYTES - at;
  if (known.length !== length) return cacheText(bytes, at, end, slot);
  for (let i = at; i < end; i++) if (cached[base + i] !== bytes[i]) return cacheText(bytes, at, end, slot);
  return known;
}

function cacheText(bytes: Uint8Array, at: number, end: number, slot: number): string {
  const base = slot * CACHED_BYTES - at;
  const length = end - at;
  const units = UNITS[length] as number[];
  let all = 0;
  for (let i = 0; i < length; i++) {
    const unit = bytes[at + i] as number;
    all |= unit;
    units[i] = unit;
  }
  if (all >= 0x80) return readLongText(bytes, at, length);
  for (let i = at; i < end; i++) cached[base + i] = bytes[i] as number;
  // One call makes a flat text; one that is put together of parts is made flat when it is read first, at twice the cost.
  const text = String.fromCharCode.apply(undefined, units);
  cache[slot] = text;
  return text;
}
