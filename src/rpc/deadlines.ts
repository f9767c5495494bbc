import type { Clock } from "../transports/drive.ts";

/** How late a default deadline may be noticed at most, ms. */
const TICK_MS = 250;

/** Something that must be over by a certain time. */
export interface Expiring {
  /** When, on the session's clock, ms. */
  expiresAt: number;
  /** It is late. */
  expire(): void;
}

/**
 * Deadlines that all lie the same time ahead, so that they pass in the order in which they came: adding and removing
 * one costs no timer. One timer looks at the oldest while there are any.
 */
export class Deadlines {
  readonly #clock: Clock;
  readonly #ms: number;
  readonly #waiting: Set<Expiring> = new Set();
  #timer: unknown;
  #stopped = false;

  /** @param ms - time that each entry has */
  constructor(clock: Clock, ms: number) {
    this.#clock = clock;
    this.#ms = ms;
  }

  /** Entries that wait. */
  get size(): number {
    return this.#waiting.size;
  }

  /** Watch over `entry` from now on. */
  add(entry: Expiring): void {
    entry.expiresAt = this.#clock.now() + this.#ms;
    this.#waiting.add(entry);
    if (this.#timer === undefined && !this.#stopped) this.#schedule(this.#ms);
  }

  /** `entry` is over. */
  delete(entry: Expiring): void {
    this.#waiting.delete(entry);
  }

  /** Forget all entries, and leave no timer behind. */
  stop(): void {
    this.#stopped = true;
    this.#waiting.clear();
    this.#clock.cancel(this.#timer);
    this.#timer = undefined;
  }

  #schedule(ms: number): void {
    this.#timer = this.#clock.schedule(this.#tick, ms);
  }

  readonly #tick = (): void => {
    const now = this.#clock.now();
    for (const entry of this.#waiting) {
      if (entry.expiresAt > now) {
        this.#schedule(Math.max(TICK_MS, entry.expiresAt - now));
        return;
      }
      this.#waiting.delete(entry);
      entry.expire();
    }
    this.#timer = undefined;
  };
}
