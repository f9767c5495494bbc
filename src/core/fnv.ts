import type { Bytes } from "./bytes.ts";

/** Low half of the prime, 2^40 + 0x1b3; the bit 2^40 is a shift by 8 of the low half into the high one. */
const PRIME_LOW = 0x1b3;
const TWO_32 = 4_294_967_296;

/**
 * 64-bit FNV-1a of `bytes`, as its high and its low half. It finds mistakes, not attacks.
 *
 * Source: draft-eastlake-fnv, section 2.
 */
export function fnv64(bytes: Bytes): [high: number, low: number] {
  let high = 0xcbf29ce4;
  let low = 0x84222325;
  for (let i = 0; i < bytes.length; i++) {
    low = (low ^ (bytes[i] as number)) >>> 0;
    const product = low * PRIME_LOW;
    // All terms together stay below 2^53: nothing is rounded.
    high = (high * PRIME_LOW + low * 256 + Math.floor(product / TWO_32)) % TWO_32;
    low = product % TWO_32;
  }
  return [high, low];
}
