import { type Bytes, EMPTY } from "../bytes.ts";
import { ProtocolError } from "../errors.ts";
import { Parts } from "../streams/parts.ts";
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
 * A record that arrives whole is handed out as a view. One that arrives in pieces is copied once, when all of it is
 * here: nothing is allocated by the length that the peer claims.
 */
export class RecordReader {
  /** Longest record that is accepted, bytes. */
  maxRecordBytes: number;
  readonly #cursor: Cursor = new Cursor(MAGIC);
  #chunk: Bytes = EMPTY;
  #at = 0;
  #magicSeen = 0;
  /** The length field that is not all here, and its bytes so far. */
  #prefix: Bytes = EMPTY;
  #prefixBytes = 0;
  /** Length of the record whose bytes are not all here, and those that are; 0 between two records. */
  #length = 0;
  #parts: Parts | undefined;

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
    if (this.#length === 0) {
      const length = this.#readLength();
      if (length === 0) return this.#pause();
      if (length <= this.#chunk.length - this.#at) return this.#cut(length);
      this.#length = length;
      this.#parts = new Parts();
    }
    return this.#gather(this.#parts as Parts);
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

  /** @returns the length of the next record; 0 while its field is not all here. */
  #readLength(): number {
    const chunk = this.#chunk;
    const at = this.#at;
    if (at === chunk.length) return 0;
    if (this.#prefixBytes > 0) return this.#readPieces();
    const width = varintWidth(chunk[at] as number);
    if (chunk.length - at < width) return this.#readPieces();
    this.#at = at + width;
    return this.#check(chunk, at, width);
  }

  /** Take the length field one byte at a time. */
  #readPieces(): number {
    const chunk = this.#chunk;
    if (this.#prefix.length === 0) this.#prefix = new Uint8Array(8);
    const prefix = this.#prefix;
    while (this.#at < chunk.length) {
      prefix[this.#prefixBytes++] = chunk[this.#at++] as number;
      const width = varintWidth(prefix[0] as number);
      if (this.#prefixBytes < width) continue;
      this.#prefixBytes = 0;
      return this.#check(prefix, 0, width);
    }
    return 0;
  }

  #check(bytes: Bytes, at: number, width: number): number {
    this.#cursor.reset(bytes, at, at + width);
    const length = this.#cursor.varint();
    if (length === 0) throw new ProtocolError("ERR_PROTOCOL", "Cannot accept record: it is empty");
    if (length > this.maxRecordBytes) {
      throw new ProtocolError(
        "ERR_FRAME_TOO_LARGE",
        `Cannot accept ${length} byte record: limit is ${this.maxRecordBytes}`,
      );
    }
    return length;
  }

  /** Add what is here to the record that is under way. */
  #gather(parts: Parts): Bytes | undefined {
    const left = this.#chunk.length - this.#at;
    if (left > 0) parts.add(this.#cut(Math.min(left, this.#length - parts.length)));
    if (parts.length < this.#length) return this.#pause();
    this.#length = 0;
    this.#parts = undefined;
    return parts.join();
  }

  #cut(length: number): Bytes {
    const at = this.#at;
    this.#at = at + length;
    return this.#chunk.subarray(at, at + length);
  }

  /** The chunk is used up: nothing holds it any more. */
  #pause(): undefined {
    this.#chunk = EMPTY;
    this.#at = 0;
    this.#cursor.reset(EMPTY, 0, 0);
  }
}
