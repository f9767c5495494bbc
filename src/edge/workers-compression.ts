/** Compression in Workers, which may not make WASM from bytes. Zlib is there with the flag `nodejs_compat`. */
import { type LoadCompressors, loader, NODE_MODULES, untold } from "../compression/load.ts";

export type { LoadCompressors, LoadOptions } from "../compression/load.ts";
export { deflate } from "../core/compression/deflate.ts";
export * from "../core/compression/index.ts";
/** See {@link LoadCompressors}. */
export const loadCompressors: LoadCompressors = loader({
  allowed: () => true,
  native: { ...NODE_MODULES, lz4: [] },
  missing: untold,
});
