import { NEVER } from "../time.ts";
import type { ReceiveWindow } from "./flow.ts";
import { LEAST_FRAGMENT_BYTES } from "./send-half.ts";
import type { Stream } from "./stream.ts";

/** After the deadline of a message, each byte that is here buys this much more time, ms: 16 KiB a second is enough. */
const MS_PER_BYTE = 1 / 16;

/** No streams; never written to. An idle session shares it. */
const NONE: Set<Stream> = new Set();

/**
 * The streams of a session with a message whose end is not here, in the order in which those began. The oldest one is
 * lent credit beyond its window, so it alone has a deadline: the others may wait for their turn. When messages come on
 * several lanes, this side does not see which of them began first: then the peer says it.
 */
export class Assembly {
  readonly #assemblyMs: number;
  readonly #window: ReceiveWindow;
  #streams: Set<Stream> = NONE;
  /** Several lanes are in use: the peer names the stream that is lent to, and where its message began. */
  #ordered = false;
  #first: Stream | undefined;
  #firstAt = 0;

  /**
   * @param assemblyMs - time that a message has from its first to its last fragment, and some more for each byte
   * @param window - credit of the session
   */
  constructor(assemblyMs: number, window: ReceiveWindow) {
    this.#assemblyMs = assemblyMs;
    this.#window = window;
  }

  /** The stream whose message is lent to; `undefined` also while the peer has not said which one that is. */
  get oldest(): Stream | undefined {
    if (!this.#ordered) return this.#eldest;
    const stream = this.#first;
    if (stream === undefined || !this.#streams.has(stream)) return undefined;
    const { assembling, window } = stream.receive;
    return window.received - assembling === this.#firstAt ? stream : undefined;
  }

  /** A fragment came, or the last one of its message. */
  note(stream: Stream, now: number): void {
    if (!stream.receive.unfinished) this.delete(stream, now);
    else if (!this.#streams.has(stream)) {
      stream.receive.assemblingSince = now;
      if (this.#streams === NONE) this.#streams = new Set();
      this.#streams.add(stream);
    }
  }

  /** The message is whole, or given up. */
  delete(stream: Stream, now: number): void {
    // The next one waited for its turn to be lent credit: it must not be late for that.
    if (this.#streams.delete(stream)) this.restart(now);
  }

  /** Several lanes are in use from now on. */
  order(now: number): void {
    this.#ordered = true;
    this.restart(now);
  }

  /** The peer names the stream that is lent to. */
  name(stream: Stream, position: number, now: number): void {
    this.#first = stream;
    this.#firstAt = position;
    this.order(now);
  }

  /** The connection is gone: the message that was lent to stays the first one, whatever carries it next. */
  disorder(): void {
    const { oldest } = this;
    this.#ordered = false;
    this.#first = undefined;
    if (oldest !== undefined) this.#streams = new Set([oldest, ...this.#streams]);
  }

  get #eldest(): Stream | undefined {
    if (this.#streams.size > 0) for (const stream of this.#streams) return stream;
    return undefined;
  }

  /** The one that must come to its end in time. */
  get #timed(): Stream | undefined {
    return this.oldest ?? this.#eldest;
  }

  /** The streams in order. */
  streams(): Iterable<Stream> {
    return this.#streams;
  }

  /** The oldest message has all its time again. */
  restart(now: number): void {
    const timed = this.#timed;
    if (timed !== undefined) timed.receive.assemblingSince = now;
  }

  /** When the oldest message is late, ms; infinite while there is none. */
  get deadline(): number {
    const timed = this.#timed;
    if (timed === undefined) return NEVER;
    const { assemblingSince, assembling } = timed.receive;
    return assemblingSince + this.#assemblyMs + assembling * MS_PER_BYTE;
  }

  /** The stream whose peer is late; `undefined` when none is. */
  late(now: number): Stream | undefined {
    if (now < this.deadline) return undefined;
    const oldest = this.#timed as Stream;
    const starved = this.#window.limit - this.#window.received < LEAST_FRAGMENT_BYTES;
    if (oldest.receive.waiting === 0 && !starved) return oldest;
    // Unread messages keep its credit back: the reader of this side is late, not the peer.
    oldest.receive.assemblingSince = now;
    return undefined;
  }

  /** Forget all. */
  clear(): void {
    this.#streams.clear();
  }
}
