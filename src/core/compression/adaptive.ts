/** Bytes of a record that are looked at to tell one kind of data from another. */
const PROBES = 32;

/** Noise has more variety than this, but for one record in 100,000; text and most binary data have less. */
const NOISE_VARIETY = 12;

/** Most records that are passed over between two tries, where a compressor does not say. */
const DEFAULT_MOST_PASSED = 4_095;

/** Records that are passed over after the first and the second one in a row that does not shrink and looks like noise. */
const PASSED_NOISE = [1, 15];

/** Whether a record looks like noise: how many of 32 groups of 8 byte values occur among a few of its bytes tells. */
function looksLikeNoise(bytes: Uint8Array, start: number, end: number): boolean {
  const step = ((end - start) / PROBES) | 0;
  let seen = 0;
  let variety = 0;
  for (let i = 0, at = start; i < PROBES; i++, at += step) {
    const group = 1 << ((bytes[at] as number) >>> 3);
    if ((seen & group) !== 0) continue;
    seen |= group;
    if (++variety > NOISE_VARIETY) return true; // mostly after half of the probes
  }
  return false;
}

/**
 * Decides whether a record is worth trying to compress, by how those before it did.
 *
 * While records shrink each one is tried. One that does not makes others pass untried:
 *
 *     it looks like noise     1, 15, then `mostPassed`
 *     it does not             1, 3, 7, 15 ... `mostPassed`
 *
 * so that a stream of noise costs next to nothing from its 20th record on. A record that does not look like noise, when
 * the one that failed last did, is tried at once. Everything here follows from the records alone: no clock, no random
 * number.
 */
export class Adaptive {
  readonly #mostPassed: number;
  #failures = 0;
  #toPass = 0;
  #failedNoise = false;

  /** @param mostPassed - see `Compressor.mostPassed` */
  constructor(mostPassed: number = DEFAULT_MOST_PASSED) {
    this.#mostPassed = mostPassed;
  }

  /** Whether records of this kind did not shrink the last time: then a part is tried before the whole. */
  get doubtful(): boolean {
    return this.#failures > 0;
  }

  /**
   * Whether to try the record in `bytes` from `start` to `end`, which is at least 64 bytes long. Say afterwards how it
   * went: {@link worked} or {@link failed}.
   */
  tries(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.#toPass === 0) return true;
    if (this.#failedNoise && !looksLikeNoise(bytes, start, end)) return true;
    this.#toPass--;
    return false;
  }

  /** A record has shrunk: the next one is tried. */
  worked(): void {
    this.#failures = this.#toPass = 0;
  }

  /** A record did not shrink. */
  failed(bytes: Uint8Array, start: number, end: number): void {
    this.#failedNoise = looksLikeNoise(bytes, start, end);
    const doubled = 2 ** (this.#failures + 1) - 1;
    const next = this.#failedNoise ? (PASSED_NOISE[this.#failures] ?? this.#mostPassed) : doubled;
    this.#failures++;
    // One that was tried out of turn shortens no pause.
    this.#toPass = Math.max(this.#toPass, Math.min(next, this.#mostPassed));
  }
}
