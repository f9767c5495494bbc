import { type Bytes, decodeText, encodeText } from "../bytes.ts";
import type { Cursor } from "./varint.ts";

/** Longest reason text in a RESET, STOP, GOAWAY or CLOSE, UTF-8 bytes. */
export const MAX_REASON_BYTES = 128;

/** UTF-8 of a reason, cut to `most` bytes between characters. */
export function encodeReason(reason: string, most: number = MAX_REASON_BYTES): Bytes {
  const bytes = encodeText(reason);
  if (bytes.length <= most) return bytes;
  let end = most;
  while (((bytes[end] as number) & 0xc0) === 0x80) end--;
  return bytes.slice(0, end);
}

/** Text at the end of a frame. Malformed UTF-8 reads as no text: it is for people only. */
export function readReason(cursor: Cursor): string {
  const text = cursor.bytes.subarray(cursor.at, Math.min(cursor.end, cursor.at + MAX_REASON_BYTES));
  try {
    return decodeText(text);
  } catch {
    return "";
  }
}
