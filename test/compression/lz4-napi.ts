import { createRequire } from "node:module";
import {
  badBytes,
  type Compressor,
  CompressorNumber,
  checkLength,
} from "../../src/core/compression/compressor.ts";

/** The part of `lz4-napi` that is used. Its blocks have their length in front: 4 bytes, little-endian. */
interface Lz4Napi {
  compressSync(source: Uint8Array): Uint8Array;
  uncompressSync(source: Uint8Array): Uint8Array;
}

const LENGTH_BYTES = 4;

/**
 * LZ4 by `lz4-napi`, which is Rust: somebody else's, to check ours against. It is slower than ours in WASM, so no
 * session uses it.
 */
export function napiLz4(): Compressor {
  const { compressSync, uncompressSync } = createRequire(import.meta.url)("lz4-napi") as Lz4Napi;
  return {
    name: "lz4",
    number: CompressorNumber.lz4,
    compress: (source, into) => {
      const view = Buffer.from(source.buffer, source.byteOffset, source.length);
      const block = compressSync(view).subarray(LENGTH_BYTES);
      if (block.length > into.length) return 0;
      into.set(block, 0);
      return block.length;
    },
    expand: (source, length, into) => {
      const block = Buffer.alloc(LENGTH_BYTES + source.length);
      block.writeUInt32LE(length);
      block.set(source, LENGTH_BYTES);
      let bytes: Uint8Array;
      try {
        bytes = uncompressSync(block);
      } catch (error) {
        throw badBytes("lz4", error instanceof Error ? error.message : String(error));
      }
      return checkLength("lz4", bytes, length, into);
    },
  };
}
