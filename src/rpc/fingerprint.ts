import type { Bytes } from "../core/bytes.ts";
import { fnv64 } from "../core/fnv.ts";

/**
 * A short text that two requests share only when they are the same, as far as chance goes: their length and the 64-bit
 * FNV-1a of their bytes. It finds mistakes, not attacks.
 */
export function fingerprint(bytes: Bytes): string {
  const [high, low] = fnv64(bytes);
  return `${bytes.length}-${high.toString(16)}-${low.toString(16)}`;
}
