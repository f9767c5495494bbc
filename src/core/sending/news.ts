import { Queue } from "../queue.ts";
import { NEVER } from "../time.ts";
import type { StreamId } from "../wire/frame.ts";
import * as FrameType from "../wire/frame-type.ts";
import type { RecordWriter } from "../wire/record-writer.ts";
import { CONTROL_BYTES } from "./stream-control.ts";

/** How long news wait for a record to ride on, ms. */
const WAIT_MS = 25;

/** They go out without one when there are so many. */
const MOST_WAITING = 64;

/** The news that streams were consumed to their end: an empty WINDOW for each, which can wait for the next record. */
export class News {
  /** Numbers of streams: those themselves are not held. */
  readonly #streams: Queue<StreamId> = new Queue();
  #since = 0;
  #waited = false;

  /** A stream was consumed to its end. */
  push(stream: StreamId, now: number): void {
    if (this.empty) this.#since = now;
    this.#streams.push(stream);
  }

  /** Whether there are none. */
  get empty(): boolean {
    return this.#streams.length === 0;
  }

  /** Whether they wait no longer. */
  get due(): boolean {
    return this.#waited || this.#streams.length >= MOST_WAITING;
  }

  /** When they must go without a record to ride on, ms; infinite when there are none. */
  get deadline(): number {
    return this.empty || this.#waited ? NEVER : this.#since + WAIT_MS;
  }

  /** They have waited long enough, if {@link deadline} has come. */
  handleTimeout(now: number): void {
    if (now >= this.deadline) this.#waited = true;
  }

  /** Write those that fit. */
  write(into: RecordWriter): void {
    for (let stream = this.#streams.peek(); stream !== undefined; stream = this.#streams.peek()) {
      if (into.room < CONTROL_BYTES) return;
      this.#streams.shift();
      into.frame(FrameType.WINDOW, 0, stream, 0);
    }
    this.#waited = false;
  }

  /** Forget all. */
  clear(): void {
    this.#streams.clear();
    this.#waited = false;
  }
}
