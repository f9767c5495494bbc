/** Token bucket: `burst` at once, `perSecond` in the long run. */
export class RateLimit {
  readonly #perMs: number;
  readonly #burst: number;
  #tokens: number;
  #filledAt = 0;

  constructor(perSecond: number, burst: number) {
    this.#perMs = perSecond / 1_000;
    this.#burst = burst;
    this.#tokens = burst;
  }

  /** Take one token. @returns false when there is none. A clock that steps back adds nothing. */
  take(now: number): boolean {
    const gained = Math.max(0, now - this.#filledAt) * this.#perMs;
    this.#filledAt = Math.max(this.#filledAt, now);
    this.#tokens = Math.min(this.#burst, this.#tokens + gained);
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }
}
