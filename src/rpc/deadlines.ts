import type { Clock } from "../transports/drive.ts";

/** How late a default deadline may be noticed at most, ms. */
const TICK_MS = 250;

/** Something that must be over by a certain time. The last two fields belong to {@link Deadlines}. */
export interface Expiring {
  /** When, on the session's clock, ms. */
  expiresAt: number;
  /** Its neighbours in the list; `undefined` when it is in none. */
  earlier?: Expiring | undefined;
  later?: Expiring | undefined;
  /** It is late. */
  expire(): void;
}

/**
 * Deadlines that all lie the same time ahead, so that they pass in the order in which they came: adding and removing
 * one costs neither a timer nor memory. One timer looks at the oldest while there are any.
 */
export class Deadlines {
  readonly #clock: Clock;
  readonly #ms: number;
  /** A ring: behind it lies the oldest entry, before it the newest. */
  readonly #ends: Expiring;
  #timer: unknown;
  #stopped = false;

  /** @param ms - time that each entry has */
  constructor(clock: Clock, ms: number) {
    this.#clock = clock;
    this.#ms = ms;
    const ends: Expiring = { expiresAt: 0, earlier: undefined, later: undefined, expire: () => {} };
    ends.earlier = ends.later = ends;
    this.#ends = ends;
  }

  /** Whether no entry waits. */
  get empty(): boolean {
    return this.#ends.later === this.#ends;
  }

  /** Watch over `entry`. @param since - from when on, ms: not long ago */
  add(entry: Expiring, since: number = this.#clock.now()): void {
    if (this.#stopped) return;
    const newest = this.#ends.earlier as Expiring;
    entry.expiresAt = Math.max(newest.expiresAt, since + this.#ms); // in order, whatever was read from the clock first
    entry.earlier = newest;
    entry.later = this.#ends;
    newest.later = this.#ends.earlier = entry;
    if (this.#timer === undefined) this.#schedule(this.#ms);
  }

  /** `entry` is over. */
  delete(entry: Expiring): void {
    const { earlier, later } = entry;
    if (earlier === undefined || later === undefined) return;
    earlier.later = later;
    later.earlier = earlier;
    entry.earlier = entry.later = undefined;
  }

  /** Forget all entries, and leave no timer behind. */
  stop(): void {
    this.#stopped = true;
    while (!this.empty) this.delete(this.#ends.later as Expiring);
    this.#clock.cancel(this.#timer);
    this.#timer = undefined;
  }

  #schedule(ms: number): void {
    this.#timer = this.#clock.schedule(this.#tick, ms);
  }

  readonly #tick = (): void => {
    const now = this.#clock.now();
    while (!this.empty) {
      const oldest = this.#ends.later as Expiring;
      if (oldest.expiresAt > now) {
        this.#schedule(Math.max(TICK_MS, oldest.expiresAt - now));
        return;
      }
      this.delete(oldest);
      oldest.expire();
    }
    this.#timer = undefined;
  };
}
