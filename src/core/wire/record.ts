import { type Bytes, EMPTY } from "../bytes.ts";
import { ProtocolError } from "../errors.ts";
import { LEAST_OWN_BYTES, Parts } from "../parts.ts";
import { CURSOR, varintWidth } from "./varint.ts";

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

/** @throws {ProtocolError} `ERR_FRAME_TOO_LARGE` when a record or a frame is longer than `most` bytes. */
export function checkLength(what: "record" | "frame", length: number, most: number): void {
  if (length > most)
    throw new ProtocolError("ERR_FRAME_TOO_LARGE", `Cannot accept ${length} byte ${what}: limit is ${most}`);
}

/**
 * Cuts the bytes of a lane into records: each one behind its length as a varint, the first behind {@link MAGIC}.
 *
 * Nothing of a chunk is kept. From its first short record on it is copied at once, and records are views of the copy.
 * A record that arrives in pieces is copied into room that grows with what is here: no more than four times that is
 * allocated by the length that the peer claims.
 */
export class RecordReader {
  /** Longest record that is accepted, bytes. */
  maxRecordBytes: number;
  #chunk: Bytes = EMPTY;
  #at = 0;
  /** The chunk is a copy. */
  #copied = false;
  #magicSeen = 0;
  /** The length in front of a record, and how many of its bytes are here. */
  readonly #prefix: Bytes = new Uint8Array(8);
  #prefixBytes = 0;
  /** Length of the record whose bytes are not all here; 0 between two records. */
  #length = 0;
  /** Those that are. */
  readonly #parts: Parts = new Parts();

  constructor(maxRecordBytes: number) {
    this.maxRecordBytes = maxRecordBytes;
  }

  /** Begin with a chunk, the caller's again when all records of it were taken. Those of the chunk before must have been. */
  push(chunk: Bytes): void {
    this.#chunk = chunk;
    this.#at = 0;
    this.#copied = false;
  }

  /**
   * The next whole record; `undefined` means that more bytes are needed.
   * @throws {ProtocolError} on a wrong magic, an empty record or one over the limit.
   */
  next(): Bytes | undefined {
    const record = this.#next();
    if (record === undefined) this.#chunk = EMPTY; // used up
    return record;
  }

  #next(): Bytes | undefined {
    if (!this.#skipMagic() || !(this.#length > 0 || this.#readLength())) return undefined;
    const isHere = this.#parts.length === 0 && this.#length <= this.#chunk.length - this.#at;
    return isHere && (this.#copied || this.#length < LEAST_OWN_BYTES) ? this.#cut() : this.#gather();
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

  /** Take the length of the next record. @returns false while it is not all here. */
  #readLength(): boolean {
    const prefix = this.#prefix;
    while (this.#at < this.#chunk.length) {
      prefix[this.#prefixBytes++] = this.#chunk[this.#at++] as number;
      if (this.#prefixBytes < varintWidth(prefix[0] as number)) continue;
      const length = CURSOR.reset(prefix, 0, this.#prefixBytes).varint();
      if (length === 0) throw new ProtocolError("ERR_PROTOCOL", "Cannot accept record: it holds no frame");
      checkLength("record", length, this.maxRecordBytes);
      this.#length = length;
      this.#prefixBytes = 0;
      return true;
    }
    return false;
  }

  /** Add what is here to the record that is under way. */
  #gather(): Bytes | undefined {
    const parts = this.#parts;
    const length = this.#length;
    const piece = this.#chunk.subarray(this.#at, this.#at + length - parts.length);
    this.#at += piece.length;
    parts.add(piece, length);
    if (parts.length < length) return undefined;
    this.#length = 0;
    return parts.take();
  }

  /** Take a record that is here as a whole. */
  #cut(): Bytes {
    if (!this.#copied) {
      this.#chunk = this.#chunk.slice(this.#at);
      this.#at = 0;
      this.#copied = true;
    }
    const at = this.#at;
    this.#at += this.#length;
    this.#length = 0;
    return this.#chunk.subarray(at, this.#at);
  }
}
