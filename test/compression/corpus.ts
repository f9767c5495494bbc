import type { Compressor } from "tideway/compression";
import corpus from "../vectors/compression-hostile.json" with { type: "json" };

/**
 * Expand `block` to `length` bytes.
 * @returns `refused`, or `bytes` and their 32-bit FNV-1a; what must never come of it begins with `broken`.
 */
export function outcomeOf(compressor: Compressor, block: Uint8Array, length: number): string {
  try {
    const bytes = compressor.expand(block, length);
    if (bytes.length !== length) return `broken: ${bytes.length} bytes instead of ${length}`;
    return `bytes ${fnv32(bytes)}`;
  } catch (error) {
    const code = (error as { readonly code?: unknown }).code;
    return code === "ERR_COMPRESS" ? "refused" : `broken: ${error}`;
  }
}

/** Let `compressor` expand all blocks that are stored for it. @returns how many there are, and what went wrong. */
export function replayCorpus(compressor: Compressor): { readonly count: number; readonly wrong: string[] } {
  const entries = corpus.filter((entry) => entry.compressor === compressor.name);
  const wrong: string[] = [];
  for (const { name, base64, length, outcome } of entries) {
    const block = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    const found = outcomeOf(compressor, block, length);
    if (found !== outcome) wrong.push(`${compressor.name}, ${name}: ${found}, expected ${outcome}`);
  }
  return { count: entries.length, wrong };
}

function fnv32(bytes: Uint8Array): string {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, "0");
}
