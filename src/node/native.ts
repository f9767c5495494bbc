import { createRequire } from "node:module";
import { debuglog } from "node:util";
import * as zlib from "node:zlib";
import { type Runtime, wasmLz4 } from "../compression/load.ts";
import { type Zlib, zlibDeflate, zlibZstd } from "../compression/zlib.ts";
import { ZSTD_WASM, zstdWasm } from "../compression/zstd-wasm.ts";
import { badBytes, type Compressor, CompressorNumber, checkLength } from "../core/compression/compressor.ts";
import { lz4 } from "../core/compression/lz4.ts";

/** The part of `lz4-napi` that is used. Its blocks have their length in front: 4 bytes, little-endian. */
interface Lz4Napi {
  compressSync(source: Uint8Array): Uint8Array;
  uncompressSync(source: Uint8Array): Uint8Array;
}

const log = debuglog("tideway");
const load = createRequire(import.meta.url);

/** For less a call into native code costs more than it gains, bytes. */
const LEAST_BYTES = 4_096;
const LENGTH_BYTES = 4;

/** LZ4 by `lz4-napi`, for what is long enough. @throws when that is not installed. */
export function napiLz4(): Compressor {
  const { compressSync, uncompressSync } = load("lz4-napi") as Lz4Napi;
  let scratch = Buffer.alloc(0);
  return {
    name: "lz4",
    number: CompressorNumber.lz4,
    compress: (source, into) => {
      if (source.length < LEAST_BYTES) return lz4.compress(source, into);
      const view = Buffer.from(source.buffer, source.byteOffset, source.length);
      const block = compressSync(view).subarray(LENGTH_BYTES);
      if (block.length > into.length) return 0;
      into.set(block, 0);
      return block.length;
    },
    expand: (source, length) => {
      if (length < LEAST_BYTES) return lz4.expand(source, length);
      const needed = LENGTH_BYTES + source.length;
      if (scratch.length < needed) scratch = Buffer.alloc(needed);
      scratch.writeUInt32LE(length);
      scratch.set(source, LENGTH_BYTES);
      let bytes: Uint8Array;
      try {
        bytes = uncompressSync(scratch.subarray(0, needed));
      } catch (error) {
        throw badBytes("lz4", error instanceof Error ? error.message : String(error));
      }
      return checkLength("lz4", bytes, length);
    },
  };
}

/**
 * Everything native that Node uses for compression, in one place. `TIDEWAY_NATIVE=0` turns it off; what is missing is
 * told once with `NODE_DEBUG=tideway`.
 */
export const NODE: Runtime = {
  allowed: () => process.env["TIDEWAY_NATIVE"] !== "0",
  native: {
    lz4: [napiLz4, wasmLz4],
    deflate: [({ deflateLevel }) => zlibDeflate(zlib as unknown as Zlib, deflateLevel)],
    zstd: [
      ({ zstdLevel }) => zlibZstd(zlib as unknown as Zlib, zstdLevel),
      ({ zstdLevel }) => zstdWasm(zstdLevel, () => import(ZSTD_WASM)),
    ],
  },
  missing: (what, error) =>
    log("%s: %s", what, error instanceof Error ? error.message.split("\n", 1)[0] : error),
};
