import { type Bytes, EMPTY } from "../bytes.ts";
import { MISFIT } from "./faults.ts";

/** Small, because one message that waits for its acknowledgement keeps the whole slab alive. */
const SLAB_BYTES = 4_096;

/** A message that is longer gets a buffer of its own. */
const MAX_SHARED_BYTES = 1_024;

/**
 * Where encoders write: bytes that grow. Messages lie one behind the other in a slab, which is never written twice.
 *
 *     start    where the message begins
 *     at       where the next byte goes; what encoders keep is relative to `start`, since growing moves the message
 */
export class Writer {
  bytes: Bytes = EMPTY;
  view: DataView<ArrayBuffer> = new DataView(EMPTY.buffer);
  start = 0;
  at = 0;
  /** Levels of recursion that may still open. */
  room = 0;
  /** Longest message. */
  maxBytes = 0;

  /** Make room for `count` bytes. */
  ensure(count: number): void {
    if (count > this.bytes.length - this.at) this.#grow(count);
  }

  #grow(count: number): void {
    const used = this.at - this.start;
    if (used + count > this.maxBytes + SLAB_BYTES) throw MISFIT;
    const bytes: Bytes = new Uint8Array(Math.max(SLAB_BYTES, 2 * (used + count)));
    bytes.set(this.bytes.subarray(this.start, this.at));
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer);
    this.start = 0;
    this.at = used;
  }

  /** Begin a message. */
  begin(room: number, maxBytes: number): void {
    this.start = this.at;
    this.room = room;
    this.maxBytes = maxBytes;
  }

  /** Forget what was written of the message. */
  rollBack(): void {
    this.at = this.start;
    if (this.bytes.length > SLAB_BYTES) this.#leave();
  }

  /** The message, which is the caller's for good. @throws {symbol} {@link MISFIT} when it is too long. */
  finish(): Bytes {
    const { start, at, bytes } = this;
    const length = at - start;
    if (length > this.maxBytes) throw MISFIT;
    if (length <= MAX_SHARED_BYTES && bytes.length === SLAB_BYTES) {
      return new Uint8Array(this.view.buffer, start, length); // half the time of subarray()
    }
    const message = bytes.length > 2 * length ? bytes.slice(start, at) : bytes.subarray(start, at);
    if (message.buffer === bytes.buffer) this.#leave();
    else this.rollBack();
    return message;
  }

  #leave(): void {
    this.bytes = EMPTY;
    this.start = this.at = 0;
  }
}
