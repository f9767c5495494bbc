import * as Control from "../streams/control.ts";
import type { Stream } from "../streams/stream.ts";

/** So many entries wait at most; a peer that answers no PING while more come cannot have its session carried on. */
export const MOST_TOLD = 4_096;

/** No entries; never written to. */
const NONE: Entry[] = [];

/** A stream, and the control frame that ended one of its halves. */
interface Entry {
  readonly stream: Stream;
  readonly bit: number;
}

/**
 * The RESETs and STOPs that the peer may not have seen. They end halves of streams that are forgotten otherwise, so a
 * resumed session tells of them again. The answer to a PING proves that all that went before it has arrived.
 */
export class Told {
  /** Too many were not answered: the session cannot be carried on any more. */
  overflowed = false;
  #entries: Entry[] = NONE;
  #asked = 0;

  /** Entries that are not known to have arrived. */
  get length(): number {
    return this.#entries.length;
  }

  /** A RESET or STOP was sent, or stands for data that is not kept any more. @param bit - one of `control.ts` */
  add(stream: Stream, bit: number): void {
    if ((stream.told & bit) !== 0) return;
    stream.told |= bit;
    if (this.#entries === NONE) this.#entries = [];
    this.#entries.push({ stream, bit });
    if (this.#entries.length <= MOST_TOLD) return;
    this.overflowed = true;
    this.#entries = NONE;
    this.#asked = 0;
  }

  /** The streams, in the order in which they were told of. One can come twice. */
  *streams(): Generator<Stream> {
    for (const { stream } of this.#entries) yield stream;
  }

  /** Forget a stream: the peer has never heard of it. */
  remove(stream: Stream): void {
    if (stream.told === 0) return;
    stream.told = 0;
    const others = ({ stream: other }: Entry) => other !== stream;
    this.#asked = this.#entries.slice(0, this.#asked).filter(others).length;
    this.#entries = this.#entries.filter(others);
  }

  /** A PING goes out behind all that was told so far. */
  ask(): void {
    this.#asked = this.#entries.length;
  }

  /** The PING was answered. */
  answered(): void {
    if (this.#asked === 0) return;
    for (const { stream, bit } of this.#entries.splice(0, this.#asked)) stream.told &= ~bit;
    this.#asked = 0;
  }

  /** The connection that carried the PING is gone. */
  interrupt(): void {
    this.#asked = 0;
  }
}

/** Whether the peer must hear that this side does not read the stream any more. */
export function isStopped(stream: Stream): boolean {
  return ((stream.told | stream.control) & Control.STOP) !== 0;
}

/** Whether the peer must hear that this side has given up sending. */
export function isReset(stream: Stream): boolean {
  return ((stream.told | stream.control) & Control.RESET) !== 0;
}
