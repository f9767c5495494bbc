import type { Bytes } from "../core/bytes.ts";

/** What is written to, as far as a transport uses it. */
export interface LaneWritable {
  getWriter(): { write(chunk: Bytes): Promise<void>; close(): Promise<void> };
}

/** What a lane tells its transport. */
export interface LaneWriterEvents {
  /** What waits has fallen below a quarter of the high-water mark, after a `write` that returned false. */
  drain(): void;
  /** The lane broke. */
  lost(cause: unknown): void;
}

/** Writes one lane, and keeps what is written before the lane is open. */
export class LaneWriter {
  /** Bytes that the lane has not taken yet. */
  bufferedBytes = 0;
  readonly #highWaterBytes: number;
  readonly #events: LaneWriterEvents;
  #writer: ReturnType<LaneWritable["getWriter"]> | undefined;
  #early: Bytes[] = [];
  #over = false;

  constructor(highWaterBytes: number, events: LaneWriterEvents) {
    this.#highWaterBytes = highWaterBytes;
    this.#events = events;
  }

  /** The lane is open. */
  adopt(writable: LaneWritable): void {
    this.#writer = writable.getWriter();
    for (const record of this.#early) this.#send(record);
    this.#early = [];
  }

  /** @returns false when over the high-water mark. */
  write(record: Bytes): boolean {
    this.bufferedBytes += record.length;
    this.#send(record);
    const over = this.bufferedBytes > this.#highWaterBytes;
    this.#over ||= over;
    return !over;
  }

  #send(record: Bytes): void {
    if (this.#writer === undefined) this.#early.push(record);
    else this.#writer.write(record).then(() => this.#sent(record.length), this.#events.lost);
  }

  #sent(bytes: number): void {
    this.bufferedBytes -= bytes;
    if (!this.#over || this.bufferedBytes > this.#highWaterBytes / 4) return;
    this.#over = false;
    this.#events.drain();
  }

  /** End the lane behind what was written. @returns `undefined` when it was never open: what was written is lost. */
  close(): Promise<void> | undefined {
    this.#early = [];
    return this.#writer?.close();
  }
}
