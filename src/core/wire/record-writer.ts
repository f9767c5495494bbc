import type { Bytes } from "../bytes.ts";
import type { RecordCompression } from "../compression/record-compression.ts";
import type { BufferPool } from "./buffer-pool.ts";
import { type StreamId, writeFrameHeader } from "./frame.ts";
import * as FrameFlag from "./frame-flag.ts";
import * as FrameType from "./frame-type.ts";
import { PLAIN_RECORD, RECORD_LENGTH_BYTES } from "./record.ts";
import { varintBytes, writeVarint } from "./varint.ts";

const DATA_WITH_LENGTH = (FrameType.DATA << 4) | FrameFlag.LEN;

/** Bodies up to this length are moved over their length field when they turn out to be a record's last. */
const MOVABLE_BYTES = 1_024;

/** A payload from this length on is handed over as it is, where the transport takes a record in two parts. */
const LEAST_TAIL_BYTES = 16_384;

/**
 * Builds one record at a time in a pool's slab. Frame writers put bytes at `at` and move it; they stay below `end`.
 * Where the transport takes a record in two parts, a long payload is not copied: the record ends with it.
 */
export class RecordWriter {
  /** The slab being written to. */
  bytes: Uint8Array;
  /** Next free byte. */
  at = 0;
  /** Where this record must end. */
  end = 0;
  /** This record holds something that must not be compressed. */
  plain = false;
  /** Bytes that compression has saved, of all records. */
  savedBytes = 0;
  /** The second part of the record: its last payload, where that was not copied. */
  tail: Bytes | undefined;
  readonly #pool: BufferPool;
  readonly #leastTailBytes: number;
  readonly #compression: RecordCompression | undefined;
  #start = 0;
  #first = 0;
  #frameAt = 0;
  #bodyAt = 0;

  /**
   * @param twoParts - whether the transport takes a record in two parts
   * @param compression - compresses records, unless they are {@link plain}
   */
  constructor(pool: BufferPool, twoParts = false, compression?: RecordCompression) {
    this.#leastTailBytes = twoParts ? LEAST_TAIL_BYTES : Number.POSITIVE_INFINITY;
    this.#compression = compression;
    this.#pool = pool;
    this.bytes = pool.slab;
  }

  /** Start a record of at most `most` bytes; `room` of them are there for sure. */
  begin(room: number, most: number): void {
    this.tail = undefined;
    this.#pool.reserve(room + RECORD_LENGTH_BYTES);
    this.bytes = this.#pool.slab;
    this.#start = this.#pool.at + RECORD_LENGTH_BYTES;
    this.end = Math.min(this.#start + most, this.bytes.length);
    this.bytes[this.#start] = PLAIN_RECORD;
    this.plain = false;
    this.at = this.#first = this.#start + 1;
  }

  /** Whether the record holds no frame yet. */
  get empty(): boolean {
    return this.at === this.#first;
  }

  /** Bytes of the record so far. */
  get length(): number {
    return this.at - this.#start + (this.tail?.length ?? 0);
  }

  /** Bytes that are free in this record. */
  get room(): number {
    return this.end - this.at;
  }

  /** Write the header of a frame whose body is `length` bytes; the caller writes the body at `at`. */
  frame(type: number, flags: number, stream: StreamId, length: number): void {
    this.#frameAt = this.at;
    this.at = writeFrameHeader(this.bytes, this.at, type, flags | FrameFlag.LEN, stream, length);
    this.#bodyAt = this.at;
  }

  /** Write a DATA frame with a whole message. */
  message(stream: StreamId, payload: Bytes, length: number): void {
    const { bytes } = this;
    let at = this.at;
    this.#frameAt = at;
    bytes[at] = DATA_WITH_LENGTH;
    at = writeVarint(bytes, at + 1, stream);
    at = writeVarint(bytes, at, length);
    this.#bodyAt = at;
    this.at = at;
    this.payload(payload, length);
  }

  /** Put the payload of a message behind the header. It is not copied where it may end the record as it is. */
  payload(payload: Bytes, length: number): void {
    if (length >= this.#leastTailBytes && (this.plain || this.#compression?.leaves(payload) !== false)) {
      this.tail = payload;
      this.end = this.at;
      return;
    }
    this.bytes.set(payload, this.at);
    this.at += length;
  }

  /** Copy `body` behind the header. */
  put(body: Uint8Array): void {
    this.bytes.set(body, this.at);
    this.at += body.length;
  }

  /** Append a varint. */
  varint(value: number): void {
    this.at = writeVarint(this.bytes, this.at, value);
  }

  /**
   * Close the record.
   * @param prefixed - put the record's length in front, for lanes that carry bytes
   * @returns the record, the caller's to keep; `undefined` when it holds no frame. It goes on with {@link tail}.
   */
  finish(prefixed: boolean): Bytes | undefined {
    if (this.empty) return undefined;
    this.#dropLastLength();
    if (this.#compression !== undefined && !this.plain && this.tail === undefined) {
      const end = this.#compression.compress(this.bytes, this.#start, this.at);
      this.savedBytes += this.at - end;
      this.at = end;
    }
    const { length } = this;
    if (!prefixed) return this.#pool.commit(this.#start, this.at);
    const start = this.#start - varintBytes(length);
    writeVarint(this.bytes, start, length);
    return this.#pool.commit(start, this.at);
  }

  /** The last frame of a record ends with it and needs no length. */
  #dropLastLength(): void {
    const { bytes } = this;
    const bodyLength = this.at - this.#bodyAt;
    if (this.tail !== undefined || bodyLength > MOVABLE_BYTES) return;
    const width = varintBytes(bodyLength);
    bytes[this.#frameAt] = (bytes[this.#frameAt] as number) & ~FrameFlag.LEN;
    bytes.copyWithin(this.#bodyAt - width, this.#bodyAt, this.at);
    this.at -= width;
  }
}
