/** Compression in pages: nothing is loaded before it is asked for. */
import { type LoadCompressors, loader, untold, wasmLz4 } from "../compression/load.ts";

export type { LoadCompressors, LoadOptions } from "../compression/load.ts";
export { deflate } from "../core/compression/deflate.ts";
export * from "../core/compression/index.ts";
/** See {@link LoadCompressors}. */
export const loadCompressors: LoadCompressors = loader({
  allowed: () => true,
  native: { lz4: [wasmLz4], deflate: [], zstd: [] },
  missing: untold,
});
