import type { Bytes } from "../core/bytes.ts";

/**
 * Random numbers that a seed repeats: the same seed gives the same numbers in every runtime.
 *
 * Source: sfc32 of Chris Doty-Humphrey's PractRand (public domain); the seed is spread with the finalizer of
 * MurmurHash3 (Austin Appleby, public domain).
 */
export class Random {
  readonly #seed: number;
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  /** @param seed - any whole number */
  constructor(seed: number) {
    this.#seed = seed;
    this.#a = mix(seed);
    this.#b = mix(Math.floor(seed / 4_294_967_296) ^ 0x9e3779b9);
    this.#c = mix(seed ^ 0x85ebca6b);
    for (let round = 0; round < 12; round++) this.next();
  }

  /** The next 32 bits, as a number from 0 to 2^32 - 1. */
  next(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum;
    return sum >>> 0;
  }

  /** A number from 0 up to but not including 1. */
  float(): number {
    return this.next() / 4_294_967_296;
  }

  /** A whole number from `least` to `most`, both included. */
  int(least: number, most: number): number {
    return least + Math.floor(this.float() * (most - least + 1));
  }

  /**
   * A whole number from `least` to `most`, both included, small ones more often: its distance from `least` has any
   * number of binary digits with the same chance. The bounds are less than 2^31 apart.
   */
  skewed(least: number, most: number): number {
    const range = most - least;
    const digits = this.int(0, 32 - Math.clz32(range));
    return digits === 0
      ? least
      : least + this.int(1 << (digits - 1), Math.min(range, ((1 << digits) - 1) >>> 0));
  }

  /** True in `probability` of all calls, 0 to 1. */
  chance(probability: number): boolean {
    return this.float() < probability;
  }

  /**
   * One of `items`.
   * @throws {RangeError} when there are none.
   */
  pick<T>(items: readonly T[]): T {
    if (items.length === 0) throw new RangeError("Cannot pick: there are no items");
    return items[this.int(0, items.length - 1)] as T;
  }

  /** `count` random bytes. */
  bytes(count: number): Bytes {
    const words = new Uint32Array((count + 3) >>> 2);
    for (let i = 0; i < words.length; i++) words[i] = this.next();
    return new Uint8Array(words.buffer, 0, count);
  }

  /** Numbers of their own for one purpose, the same however many were drawn here. */
  fork(purpose: number): Random {
    return new Random(
      mix(this.#seed ^ Math.imul(purpose + 1, 0x9e3779b1)) + (this.#seed % 1_048_576) * 4_294_967_296,
    );
  }
}

function mix(value: number): number {
  let bits = value | 0;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return bits ^ (bits >>> 16);
}
