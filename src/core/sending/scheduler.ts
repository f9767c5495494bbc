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
  /** The last stream of each class: {@link Stream.behind} leads from it to the first one, and from that to the next. */
  readonly #last: (Stream | undefined)[] = new Array(PRIORITIES);
  /** Bit n is set while class n has streams. */
  #ready = 0;

  /** Put a stream at the end of its class, once. */
  push(stream: Stream): void {
    if (stream.scheduled) return;
    this.unshift(stream);
    this.#last[stream.priority] = stream;
  }

  /** Put a stream whose turn is not over, and which {@link shift} has taken out, at the head of its class. */
  unshift(stream: Stream): void {
    const { priority } = stream;
    const last = this.#last[priority];
    stream.scheduled = true;
    if (last === undefined) {
      stream.behind = stream;
      this.#last[priority] = stream;
      this.#ready |= 1 << priority;
    } else {
      stream.behind = last.behind;
      last.behind = stream;
    }
  }

  /** Take the stream whose turn it is; `undefined` when none waits. */
  shift(): Stream | undefined {
    const stream = this.peek();
    if (stream === undefined) return undefined;
    const { priority } = stream;
    const last = this.#last[priority] as Stream;
    if (last === stream) {
      this.#last[priority] = undefined;
      this.#ready &= ~(1 << priority);
    } else last.behind = stream.behind;
    stream.behind = undefined;
    stream.scheduled = false;
    return stream;
  }

  /** Whether no stream waits. */
  get empty(): boolean {
    return this.#ready === 0;
  }

  /** The stream whose turn it is, left in its place. */
  peek(): Stream | undefined {
    return this.#ready === 0 ? undefined : this.#last[31 - Math.clz32(this.#ready & -this.#ready)]?.behind;
  }

  /** Take all streams out. */
  drain(): Stream[] {
    const streams: Stream[] = [];
    for (let stream = this.shift(); stream !== undefined; stream = this.shift()) streams.push(stream);
    return streams;
  }
}
