import * as zlib from "node:zlib";
import { instantiateLz4 } from "../../src/compression/lz4-wasm.ts";
import { type Zlib, zlibDeflate, zlibZstd } from "../../src/compression/zlib.ts";
import { ZSTD_WASM, zstdWasm } from "../../src/compression/zstd-wasm.ts";
import type { Compressor } from "../../src/core/compression/compressor.ts";
import { deflate } from "../../src/core/compression/deflate.ts";
import { lz4 } from "../../src/core/compression/lz4.ts";
import { zstdNapi } from "../../src/node/native.ts";
import { napiLz4 } from "./lz4-napi.ts";
import { findZstdNapi } from "./zstd-napi.ts";

/** A compressor that this package can use, and what it is made of. */
export interface Implementation {
  readonly by: string;
  readonly compressor: Compressor;
}

/** Every way to every compressor that this Node has, and one of somebody else. */
export async function implementations(): Promise<readonly Implementation[]> {
  const own = zlibZstd(zlib as unknown as Zlib, 3);
  const napi = findZstdNapi();
  return [
    { by: "TypeScript", compressor: lz4 },
    { by: "WASM", compressor: instantiateLz4() },
    { by: "lz4-napi", compressor: napiLz4() },
    { by: "fflate and own inflate", compressor: deflate() },
    { by: "node:zlib", compressor: zlibDeflate(zlib as unknown as Zlib, 6) },
    { by: "zstd-wasm", compressor: await zstdWasm(3, () => import(ZSTD_WASM)) },
    ...(napi === undefined ? [] : [{ by: "zstd-napi", compressor: zstdNapi(3, napi) }]),
    ...(own === undefined ? [] : [{ by: "node:zlib", compressor: own }]),
  ];
}
