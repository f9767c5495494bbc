import type { Stream } from "../streams/stream.ts";

/** Priority classes: 0 goes first, {@link DEFAULT_PRIORITY} is where streams are unless they say otherwise. */
export const PRIORITIES = 8;

/** Class of a stream that names none. */
export const DEFAULT_PRIORITY = 3;

/**
 * Streams that have something to send: strict priority between classes, round-robin inside one.
 *
 * The class is the local sender's choice, so no peer can starve another one with it.
 */
export class Scheduler {
  readonly #classes: (Stream[] | undefined)[] = [];
  /** Bit n is set while class n has streams. */
  #ready = 0;

  /** Put a stream at the end of its class, once. */
  push(stream: Stream): void {
    if (stream.scheduled) return;
    stream.scheduled = true;
    const streams = this.#classes[stream.priority];
    if (streams === undefined) this.#classes[stream.priority] = [stream];
    else streams.push(stream);
    this.#ready |= 1 << stream.priority;
  }

  /** Take the stream whose turn it is; `undefined` when none waits. */
  shift(): Stream | undefined {
    if (this.#ready === 0) return undefined;
    const priority = 31 - Math.clz32(this.#ready & -this.#ready);
    const streams = this.#classes[priority] as Stream[];
    const stream = streams.shift() as Stream;
    if (streams.length === 0) this.#ready &= ~(1 << priority);
    stream.scheduled = false;
    return stream;
  }

  /** Put a stream whose turn is not over at the head of its class. */
  unshift(stream: Stream): void {
    stream.scheduled = true;
    (this.#classes[stream.priority] as Stream[]).unshift(stream);
    this.#ready |= 1 << stream.priority;
  }

  /** Whether no stream waits. */
  get empty(): boolean {
    return this.#ready === 0;
  }

  /** The stream whose turn it is, left in its place. */
  peek(): Stream | undefined {
    return this.#ready === 0 ? undefined : this.#classes[31 - Math.clz32(this.#ready & -this.#ready)]?.[0];
  }

  /** Take all streams out. */
  drain(): Stream[] {
    const streams: Stream[] = [];
    for (let stream = this.shift(); stream !== undefined; stream = this.shift()) streams.push(stream);
    return streams;
  }
}
