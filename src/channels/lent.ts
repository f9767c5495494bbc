import { StateError } from "../core/errors.ts";
import { readLayout } from "./layout.ts";
import { changeOf } from "./wait.ts";

/**
 * A channel as it is posted to one other thread: whoever hears of the end of that thread can tell whether it had closed
 * its ends. Post it in place of the memory.
 */
export interface LentChannel {
  readonly memory: SharedArrayBuffer;
  /** How many ends the thread has opened, how many of them it has closed, and whether it holds its lock. */
  readonly ends: SharedArrayBuffer;
  /** Name of the lock that the thread is to hold, where the end of a thread is told by that. */
  readonly lock?: string;
}

/** Words of `ends`. */
const OPENED = 0;
const CLOSED = 1;
const LOCKED = 2;
const ENDS_BYTES = 12;

/** Lend the memory of a channel. @throws {ProtocolError} when it holds no channel. */
export function lend(memory: SharedArrayBuffer, lock?: string): LentChannel {
  readLayout(memory);
  return { memory, ends: new SharedArrayBuffer(ENDS_BYTES), ...(lock === undefined ? {} : { lock }) };
}

/** Say that this thread holds the lock of a channel that was lent to it. */
export function markLocked({ ends }: LentChannel): void {
  const words = new Int32Array(ends);
  Atomics.store(words, LOCKED, 1);
  Atomics.notify(words, LOCKED);
}

/** Resolves when the thread holds its lock, or has done so; never where `Atomics.waitAsync` is missing. */
export function whenLocked({ ends }: LentChannel): Promise<unknown> {
  return Promise.resolve(changeOf(new Int32Array(ends), LOCKED, 0));
}

/** Whether a thread that has ended has left a channel as it should: with an end opened, and all of them closed. */
export function isLeft({ ends }: LentChannel): boolean {
  const words = new Int32Array(ends);
  const opened = Atomics.load(words, OPENED);
  return opened > 0 && Atomics.load(words, CLOSED) === opened;
}

/** Whether a thread has opened an end of a channel. */
export function isOpened({ ends }: LentChannel): boolean {
  return Atomics.load(new Int32Array(ends), OPENED) > 0;
}

/** Counts the ends of one thread; counts nothing for a channel that was not lent. */
export class EndCount {
  readonly #words: Int32Array | undefined;

  /** @throws {StateError} when what was lent is not that. */
  constructor(ends: SharedArrayBuffer | undefined) {
    if (ends !== undefined && ends.byteLength < ENDS_BYTES)
      throw new StateError("Cannot open channel: it was not lent");
    this.#words = ends === undefined ? undefined : new Int32Array(ends, 0, 2);
  }

  /** An end was opened. */
  opened(): void {
    if (this.#words !== undefined) Atomics.add(this.#words, OPENED, 1);
  }

  /** An end was closed. */
  closed(): void {
    if (this.#words !== undefined) Atomics.add(this.#words, CLOSED, 1);
  }
}
