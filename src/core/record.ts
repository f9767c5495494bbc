import type { Bytes } from "./bytes.ts";
import { ProtocolError } from "./errors.ts";
import { Cursor, varintWidth } from "./varint.ts";

/**
 * First byte of every record.
 *
 *     bits 0..3  compressor, 0 = none; then the length of the frames and the compressed frames follow
 *     bit  4     1 = sealed
 *     bits 5..7  0
 *
 * Source: docs/protocol.md, section 3.
 */
export const PLAIN_RECORD = 0;

/** Bit of the header of a record that is sealed; headers below it name a compressor. */
export const SEALED_RECORD = 16;

/** First bytes on a lane that carries bytes instead of messages: `TIDEWAY` and a line feed. */
export const MAGIC: Bytes = new Uint8Array([0x54, 0x49, 0x44, 0x45, 0x57, 0x41, 0x59, 0x0a]);

/** Most bytes that the length in front of a record takes. */
export const RECORD_LENGTH_BYTES = 4;

/**
 * Cuts the bytes of a lane into records: each one behind its length as a varint, the first behind {@link MAGIC}.
 *
 * A record that arrives whole is handed out as a view. One that arrives in pieces is copied once, into a buffer that
 * grows with the bytes that are there, never with the length that the peer claims; one byte at a time costs no more
 * than that.
 */
export class RecordReader {
  /** Longest record that is accepted, bytes. */
  maxRecordBytes: number;
  readonly #cursor: Cursor = new Cursor(MAGIC);
  #chunk: Bytes = MAGIC.subarray(0, 0);
  #at = 0;
  /** The record whose bytes are not all here: its bytes so far, length prefix included. */
  #partial: Bytes | undefined;
  #partialLength = 0;
  #magicSeen = 0;

  constructor(maxRecordBytes: number) {
    this.maxRecordBytes = maxRecordBytes;
  }

  /** Keep `chunk`; the caller gives it away. All records of the chunk before must have been taken. */
  push(chunk: Bytes): void {
    this.#chunk = chunk;
    this.#at = 0;
  }

  /**
   * The next whole record; `undefined` means that more bytes are needed.
   * @throws {ProtocolError} on a wrong magic, an empty record or one over the limit.
   */
  next(): Bytes | undefined {
    if (!this.#skipMagic()) return undefined;
    if (this.#partial !== undefined) return this.#continuePartial();
    const left = this.#chunk.length - this.#at;
    const total = this.#totalBytes(this.#chunk, this.#at, left);
    if (total === undefined || total > left) {
      if (left > 0) this.#startPartial(left);
      return undefined;
    }
    return this.#cut(this.#chunk, this.#at, total, true);
  }

  #skipMagic(): boolean {
    while (this.#magicSeen < MAGIC.length) {
      if (this.#at === this.#chunk.length) return false;
      if (this.#chunk[this.#at++] !== MAGIC[this.#magicSeen++]) {
        throw new ProtocolError(
          "ERR_PROTOCOL",
          "Cannot accept connection: it does not begin as Tideway does",
        );
      }
    }
    return true;
  }

  /** Length prefix and record together; `undefined` while the prefix is not all here. */
  #totalBytes(bytes: Bytes, at: number, available: number): number | undefined {
    if (available === 0) return undefined;
    const width = varintWidth(bytes[at] as number);
    if (available < width) return undefined;
    this.#cursor.reset(bytes, at, at + width);
    const length = this.#cursor.varint();
    if (length === 0) throw new ProtocolError("ERR_PROTOCOL", "Cannot accept record: it is empty");
    if (length > this.maxRecordBytes) {
      throw new ProtocolError(
        "ERR_FRAME_TOO_LARGE",
        `Cannot accept ${length} byte record: limit is ${this.maxRecordBytes}`,
      );
    }
    return width + length;
  }

  #startPartial(left: number): void {
    this.#partial = new Uint8Array(Math.max(64, left * 2));
    this.#partial.set(this.#chunk.subarray(this.#at), 0);
    this.#partialLength = left;
    this.#at = this.#chunk.length;
  }

  #continuePartial(): Bytes | undefined {
    for (;;) {
      const partial = this.#partial as Bytes;
      const total = this.#totalBytes(partial, 0, this.#partialLength);
      if (total === this.#partialLength) {
        this.#partial = undefined;
        return this.#cut(partial, 0, total, false);
      }
      const left = this.#chunk.length - this.#at;
      if (left === 0) return undefined;
      // Until the prefix is whole its length is unknown: take one byte of it at a time.
      this.#grow(Math.min(left, total === undefined ? 1 : total - this.#partialLength));
    }
  }

  #grow(count: number): void {
    let partial = this.#partial as Bytes;
    const length = this.#partialLength + count;
    if (length > partial.length) {
      const larger: Bytes = new Uint8Array(Math.max(length, partial.length * 2));
      larger.set(partial.subarray(0, this.#partialLength), 0);
      this.#partial = partial = larger;
    }
    partial.set(this.#chunk.subarray(this.#at, this.#at + count), this.#partialLength);
    this.#partialLength = length;
    this.#at += count;
  }

  #cut(from: Bytes, at: number, total: number, fromChunk: boolean): Bytes {
    if (fromChunk) this.#at = at + total;
    return from.subarray(at + varintWidth(from[at] as number), at + total);
  }
}
