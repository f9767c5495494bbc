import type { Bytes } from "./bytes.ts";
import { FrameType, MAX_HEADER_BYTES, SESSION_ID } from "./frame.ts";
import type { RecordWriter } from "./record-writer.ts";

/** Most bytes of datagrams in one record, so that they do not hold up streams. */
const SHARE_BYTES = 4_096;

/** Datagrams that wait to be sent: bounded in count and bytes, the oldest is dropped for the newest. */
export class DatagramQueue {
  /** Datagrams that were dropped here. */
  dropped = 0;
  readonly #maxCount: number;
  readonly #maxBytes: number;
  #queue: Bytes[] = [];
  #bytes = 0;

  constructor(maxCount: number, maxBytes: number) {
    this.#maxCount = maxCount;
    this.#maxBytes = maxBytes;
  }

  /** Whether none waits. */
  get empty(): boolean {
    return this.#queue.length === 0;
  }

  /** Room that the oldest one needs, bytes; 0 when none waits. */
  get nextBytes(): number {
    const next = this.#queue[0];
    return next === undefined ? 0 : MAX_HEADER_BYTES + next.length;
  }

  /** Queue one; the queue keeps `payload`. */
  push(payload: Bytes): void {
    this.#queue.push(payload);
    this.#bytes += payload.length;
    while (this.#queue.length > this.#maxCount || this.#bytes > this.#maxBytes) {
      this.#bytes -= (this.#queue.shift() as Bytes).length;
      this.dropped++;
    }
  }

  /**
   * Write as many as their share of the record allows, the oldest first.
   * @param keep - room to leave for streams
   */
  write(into: RecordWriter, keep: number): void {
    if (this.#queue.length === 0) return;
    const end = into.at + SHARE_BYTES;
    let count = 0;
    for (const payload of this.#queue) {
      const needed = MAX_HEADER_BYTES + payload.length;
      if (needed + keep > into.room || (count > 0 && into.at + needed > end)) break;
      into.frame(FrameType.DATAGRAM, 0, SESSION_ID, payload.length);
      into.put(payload);
      this.#bytes -= payload.length;
      count++;
    }
    if (count > 0) this.#queue.splice(0, count);
  }
}
