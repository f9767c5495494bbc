import type { Bytes } from "../core/bytes.ts";

/** Bytes from which on a view of a record costs less than it saves. */
const VIEW_BYTES = 64;

/**
 * What happened in a run, as a number that two equal runs share, and on request as text.
 *
 * Two 32-bit FNV-1a sums with different primes over the same words. Source: Fowler, Noll and Vo, IETF draft
 * draft-eastlake-fnv.
 */
export class Trace {
  readonly #lines: string[] = [];
  readonly #mostLines: number;
  #low = 0x811c9dc5;
  #high = 0x050c5d1f;

  /** @param mostLines - how many of the last lines are kept as text */
  constructor(mostLines: number) {
    this.#mostLines = mostLines;
  }

  /** Whether lines are kept. */
  get kept(): boolean {
    return this.#mostLines > 0;
  }

  /** The last lines. */
  get lines(): readonly string[] {
    return this.#mostLines === 0 ? [] : this.#lines.slice(-this.#mostLines);
  }

  /** Add a number. */
  add(value: number): void {
    const word = value | 0;
    this.#word(word);
    if (word !== value) {
      const whole = Math.floor(value);
      this.#word(whole / 4_294_967_296);
      this.#word((value - whole) * 1_048_576);
    }
  }

  /** Add bytes. */
  addBytes(bytes: Bytes): void {
    let low = this.#low;
    let high = this.#high;
    let at = 0;
    if (bytes.length >= VIEW_BYTES) {
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
      for (const end = bytes.length - 4; at <= end; at += 4) {
        const word = view.getInt32(at, true);
        low = Math.imul(low ^ word, 0x01000193);
        high = Math.imul(high ^ (word >>> 7) ^ (word << 11), 0x01000197);
      }
    }
    for (; at < bytes.length; at++) {
      const byte = bytes[at] as number;
      low = Math.imul(low ^ byte, 0x01000193);
      high = Math.imul(high ^ byte, 0x01000197);
    }
    this.#low = low;
    this.#high = high;
  }

  /** Keep a line of text; `text` is called only when lines are kept. */
  line(now: number, text: () => string): void {
    if (this.#mostLines === 0) return;
    this.#lines.push(`${now.toFixed(3)} ms  ${text()}`);
    if (this.#lines.length > this.#mostLines * 2) this.#lines.splice(0, this.#mostLines);
  }

  /** 16 hexadecimal digits. */
  get hash(): string {
    return [this.#high, this.#low].map((half) => (half >>> 0).toString(16).padStart(8, "0")).join("");
  }

  #word(word: number): void {
    this.#low = Math.imul(this.#low ^ word, 0x01000193);
    this.#high = Math.imul(this.#high ^ (word >>> 7) ^ (word << 11), 0x01000197);
  }
}
