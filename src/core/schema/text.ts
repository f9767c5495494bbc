import { decodeText } from "../bytes.ts";
import { varintBytes, writeVarint } from "../wire/varint.ts";
import { fault, MISFIT } from "./faults.ts";
import type { Reader } from "./reader.ts";
import type { Writer } from "./writer.ts";

/** A text of so many characters is written here; a longer one natively, which costs a short one more. */
const SHORT_CHARS = 128;

/** An ASCII text of so many bytes is looked up among those that came before. */
const CACHED_BYTES = 24;
const CACHE_SLOTS = 512;

const encoder = new TextEncoder();
const { fromCharCode } = String;

/** Texts by what their bytes add up to. It finds names that come again and again, so that they are not made anew. */
const cache: string[] = new Array<string>(CACHE_SLOTS).fill("");

/** A text: its length in bytes, then UTF-8. A lone surrogate becomes U+FFFD. */
export function writeText(writer: Writer, text: unknown): void {
  if (typeof text !== "string") throw MISFIT;
  const { length } = text;
  if (length > SHORT_CHARS) {
    writeLongText(writer, text);
    return;
  }
  writer.ensure(length + 2);
  const { bytes, at } = writer;
  const from = length < 64 ? at + 1 : at + 2;
  for (let i = 0; i < length; i++) {
    const unit = text.charCodeAt(i);
    if (unit >= 0x80) {
      writeLongText(writer, text);
      return;
    }
    bytes[from + i] = unit;
  }
  if (length >= 64) bytes[at] = 0x40;
  bytes[from - 1] = length;
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

function readShortText(bytes: Uint8Array, at: number, length: number): string {
  const end = at + length;
  let sum = length;
  let all = 0;
  for (let i = at; i < end; i++) {
    const byte = bytes[i] as number;
    all |= byte;
    sum = (Math.imul(sum, 31) + byte) | 0;
  }
  if (all >= 0x80) return readLongText(bytes, at, length);
  const slot = (sum ^ (sum >>> 9)) & (CACHE_SLOTS - 1);
  const known = cache[slot] as string;
  if (known.length === length && isText(known, bytes, at)) return known;
  const text = makeText(bytes, at, end);
  cache[slot] = text;
  return text;
}

function isText(text: string, bytes: Uint8Array, at: number): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) !== bytes[at + i]) return false;
  return true;
}

function makeText(bytes: Uint8Array, from: number, end: number): string {
  let text = "";
  let at = from;
  for (; at + 4 <= end; at += 4) {
    text += fromCharCode(
      bytes[at] as number,
      bytes[at + 1] as number,
      bytes[at + 2] as number,
      bytes[at + 3] as number,
    );
  }
  for (; at < end; at++) text += fromCharCode(bytes[at] as number);
  return text;
}
