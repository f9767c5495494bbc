import { type Bytes, EMPTY } from "../bytes.ts";
import { ProtocolError } from "../errors.ts";
import * as FrameFlag from "./frame-flag.ts";
import { CURSOR, type Cursor, writeVarint } from "./varint.ts";

/** A stream number as it stands on the wire, kept apart from lengths and every other number. */
export type StreamId = number & { readonly __brand: "StreamId" };

/** The id that means the session itself. */
export const SESSION_ID: StreamId = 0 as StreamId;

/** Most bytes that a frame header takes: type 1, stream id 8, length 8. */
export const MAX_HEADER_BYTES = 17;

/**
 * Write a frame header at `at`. The caller has made room: at most {@link MAX_HEADER_BYTES}.
 *
 *     byte 0   tttt LFXM   4-bit type, LEN, FIN, EXT, MORE
 *     id       varint      stream, 0 for the session
 *     [length] varint      bytes of the body, only with LEN
 *
 * @param length - bytes of the body; ignored without {@link FrameFlag.LEN}.
 * @returns the offset after the header.
 * Source: docs/protocol.md, section 4.
 */
export function writeFrameHeader(
  into: Uint8Array,
  at: number,
  type: number,
  flags: number,
  stream: StreamId,
  length: number,
): number {
  into[at] = (type << 4) | flags;
  const afterId = writeVarint(into, at + 1, stream);
  return (flags & FrameFlag.LEN) === 0 ? afterId : writeVarint(into, afterId, length);
}

/**
 * Walks over the frames of a record. Its fields describe the current frame and change with {@link next}, so that a
 * frame costs no allocation.
 */
export class FrameReader {
  /** The record. */
  bytes: Bytes = EMPTY;
  /** 4-bit type; numbers that `FrameType` does not name are possible. */
  type = 0;
  /** Set of {@link FrameFlag}. */
  flags = 0;
  stream: StreamId = SESSION_ID;
  /** The body is `bytes[bodyAt .. bodyEnd)`. */
  bodyAt = 0;
  bodyEnd = 0;
  #end = 0;
  // What `payload` needs of the record: reading it from the view costs more than the view itself.
  #buffer: ArrayBuffer = EMPTY.buffer;
  #base = 0;

  /** The bytes of the record from `at` to the end of the current body, as a view. */
  payload(at: number): Bytes {
    return new Uint8Array(this.#buffer, this.#base + at, this.bodyEnd - at);
  }

  /** The body of the current frame, to be read in one go. */
  body(): Cursor {
    return CURSOR.reset(this.bytes, this.bodyAt, this.bodyEnd);
  }

  /** Start on the frames in `bytes[at .. end)`. */
  reset(bytes: Bytes, at: number, end: number = bytes.length): void {
    this.bytes = bytes;
    this.#buffer = bytes.buffer;
    this.#base = bytes.byteOffset;
    this.bodyEnd = at;
    this.#end = end;
  }

  /**
   * Move to the next frame.
   * @returns false at the end of the record.
   * @throws {ProtocolError} when a header or a body reaches beyond the record.
   */
  next(): boolean {
    const at = this.bodyEnd;
    const end = this.#end;
    if (at === end) return false;
    const bytes = this.bytes;
    const first = bytes[at] as number;
    const hasLength = (first & FrameFlag.LEN) !== 0;
    this.type = first >>> 4;
    this.flags = first & 15;
    // One byte of id and up to two of length, which is nearly every header, need no cursor.
    const id = at + 3 < end ? (bytes[at + 1] as number) : 64;
    const length = bytes[at + 2] as number;
    if (id < 64 && (length < 64 || !hasLength)) {
      this.stream = id as StreamId;
      this.bodyAt = hasLength ? at + 3 : at + 2;
      this.bodyEnd = hasLength ? at + 3 + length : end;
    } else if (id < 64 && length < 128 && (length > 64 || (bytes[at + 3] as number) > 63)) {
      this.stream = id as StreamId;
      this.bodyAt = at + 4;
      this.bodyEnd = at + 4 + (((length & 0x3f) << 8) | (bytes[at + 3] as number));
    } else {
      this.#readWide(at, hasLength);
    }
    if (this.bodyEnd > end) {
      throw new ProtocolError(
        "ERR_PROTOCOL",
        `Cannot read frame: body ends ${this.bodyEnd - end} bytes behind the record`,
      );
    }
    return true;
  }

  #readWide(at: number, hasLength: boolean): void {
    const cursor = CURSOR.reset(this.bytes, at + 1, this.#end);
    this.stream = cursor.varint() as StreamId;
    const length = hasLength ? cursor.varint() : this.#end - cursor.at;
    this.bodyAt = cursor.at;
    this.bodyEnd = cursor.at + length;
  }
}
