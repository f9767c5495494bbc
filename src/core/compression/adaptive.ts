/** Bytes of a record that are looked at to tell one kind of data from another. */
const PROBES = 32;

/** Noise has more variety than this, but for one record in 100,000; text and most binary data have less. */
const NOISE_VARIETY = 12;

/** Most records that are passed over between two tries. */
const MOST_PASSED = 127;

/** What a record holds, told by a few of its bytes: how many of 32 groups of 8 byte values occur. */
function varietyOf(bytes: Uint8Array, start: number, end: number): number {
  const step = ((end - start) / PROBES) | 0;
  let seen = 0;
  for (let i = 0, at = start; i < PROBES; i++, at += step) seen |= 1 << ((bytes[at] as number) >>> 3);
  let count = 0;
  for (; seen !== 0; seen &= seen - 1) count++;
  return count;
}

/**
 * Decides whether a record is worth trying to compress, by how those before it did.
 *
 * While records shrink each one is tried. One that does not makes the next 1, 3, 7 ... 127 pass untried, so that a
 * stream of noise costs next to nothing. A record that does not look like noise, when the one that failed did, is
 * tried at once. Everything here follows from the records alone: no clock, no random number.
 */
export class Adaptive {
  #failures = 0;
  #toPass = 0;
  #failedNoise = false;

  /** Whether records of this kind did not shrink the last time: then a part is tried before the whole. */
  get doubtful(): boolean {
    return this.#failures > 0;
  }

  /**
   * Whether to try the record in `bytes` from `start` to `end`, which is at least 64 bytes long. Say afterwards how it
   * went: {@link worked} or {@link failed}.
   */
  tries(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.#failures === 0) return true;
    if (this.#toPass === 0) return true;
    if (this.#failedNoise && varietyOf(bytes, start, end) <= NOISE_VARIETY) {
      this.worked();
      return true;
    }
    this.#toPass--;
    return false;
  }

  /** A record has shrunk: the next one is tried. */
  worked(): void {
    this.#failures = this.#toPass = 0;
  }

  /** A record did not shrink. */
  failed(bytes: Uint8Array, start: number, end: number): void {
    this.#failures++;
    this.#toPass = Math.min(2 ** Math.min(this.#failures, 7) - 1, MOST_PASSED);
    this.#failedNoise = varietyOf(bytes, start, end) > NOISE_VARIETY;
  }
}
