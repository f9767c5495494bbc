import type { Bytes } from "../core/bytes.ts";

/** Low half of the prime, 2^40 + 0x1b3; the bit 2^40 is a shift by 8 of the low half into the high one. */
const PRIME_LOW = 0x1b3;
const TWO_32 = 4_294_967_296;

/**
 * A short text that two requests share only when they are the same, as far as chance goes: their length and the 64-bit
 * FNV-1a of their bytes. It finds mistakes, not attacks.
 *
 * Source: draft-eastlake-fnv, section 2.
 */
export function fingerprint(bytes: Bytes): string {
  let high = 0xcbf29ce4;
  let low = 0x84222325;
  for (let i = 0; i < bytes.length; i++) {
    low = (low ^ (bytes[i] as number)) >>> 0;
    const product = low * PRIME_LOW;
    // All terms together stay below 2^53: nothing is rounded.
    high = (high * PRIME_LOW + low * 256 + Math.floor(product / TWO_32)) % TWO_32;
    low = product % TWO_32;
  }
  return `${bytes.length}-${high.toString(16)}-${low.toString(16)}`;
}
