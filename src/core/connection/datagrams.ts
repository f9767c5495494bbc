import type { Bytes } from "../bytes.ts";
import { MAX_HEADER_BYTES, SESSION_ID } from "../wire/frame.ts";
import * as FrameType from "../wire/frame-type.ts";
import type { RecordWriter } from "../wire/record-writer.ts";

/** Most bytes of datagrams in one record, so that they do not hold up streams. */
const SHARE_BYTES = 4_096;

interface Waiting {
  readonly payload: Bytes;
  /** When it was first seen waiting, ms. */
  since: number | undefined;
}

/** Datagrams that wait to be sent: bounded in count, bytes and age, the oldest is dropped for the newest. */
export class DatagramQueue {
  /** Datagrams that were dropped here. */
  dropped = 0;
  readonly #maxCount: number;
  readonly #maxBytes: number;
  readonly #maxAgeMs: number;
  #queue: Waiting[] = [];
  #bytes = 0;
  /** Up to this length they are taken one by one, for a transport that has datagrams itself; {@link write} skips them. */
  #nativeBytes = -1;

  constructor(maxCount: number, maxBytes: number, maxAgeMs: number) {
    this.#maxCount = maxCount;
    this.#maxBytes = maxBytes;
    this.#maxAgeMs = maxAgeMs;
  }

  /** Whether none waits. */
  get empty(): boolean {
    return this.#queue.length === 0;
  }

  /** Room that the oldest one needs, bytes; 0 when none waits. */
  get nextBytes(): number {
    const next = this.#queue[0];
    return next === undefined ? 0 : MAX_HEADER_BYTES + next.payload.length;
  }

  /** Queue one; the queue keeps `payload`. */
  push(payload: Bytes): void {
    this.#queue.push({ payload, since: undefined });
    this.#bytes += payload.length;
    while (this.#queue.length > this.#maxCount || this.#bytes > this.#maxBytes) this.#drop();
  }

  #drop(): void {
    this.#bytes -= (this.#queue.shift() as Waiting).payload.length;
    this.dropped++;
  }

  /** Drop those that have waited too long. Call it when one was queued, too: from then on it ages. */
  age(now: number): void {
    if (this.#queue.length === 0) return;
    for (let at = this.#queue.length - 1; at >= 0; at--) {
      const waiting = this.#queue[at] as Waiting;
      if (waiting.since !== undefined) break;
      waiting.since = now;
    }
    while ((this.#queue[0]?.since ?? now) + this.#maxAgeMs < now) this.#drop();
  }

  /**
   * The oldest one that fits into a datagram of the transport; `undefined` when none does.
   * @param maxBytes - longest one; those above go into records, see {@link write}
   */
  take(maxBytes: number): Bytes | undefined {
    this.#nativeBytes = maxBytes > 0 ? maxBytes : -1;
    const at = this.#queue.findIndex(({ payload }) => payload.length <= this.#nativeBytes);
    if (at < 0) return undefined;
    const [{ payload }] = this.#queue.splice(at, 1) as [Waiting];
    this.#bytes -= payload.length;
    return payload;
  }

  /**
   * Write as many as their share of the record allows, the oldest first.
   * @param keep - room to leave for streams
   */
  write(into: RecordWriter, keep: number): void {
    if (this.#queue.length === 0) return;
    const end = into.at + SHARE_BYTES;
    const kept: Waiting[] = [];
    let count = 0;
    let at = 0;
    for (const waiting of this.#queue) {
      const { payload } = waiting;
      if (payload.length > this.#nativeBytes) {
        const needed = MAX_HEADER_BYTES + payload.length;
        if (needed + keep > into.room || (count > 0 && into.at + needed > end)) break;
        into.frame(FrameType.DATAGRAM, 0, SESSION_ID, payload.length);
        into.put(payload);
        this.#bytes -= payload.length;
        count++;
      } else kept.push(waiting);
      at++;
    }
    if (count === 0) return;
    into.plain = true;
    this.#queue.splice(0, at, ...kept);
  }
}
