import {
  badBytes,
  type Compressor,
  CompressorNumber,
  checkLength,
  MostPassed,
} from "../core/compression/compressor.ts";
import { messageOf } from "../core/errors.ts";
import { checkZstdFrame } from "./zstd-frame.ts";

/** The part of `node:zlib` that is used; Deno, Bun and Workers have it too. */
export interface Zlib {
  deflateRawSync(
    source: Uint8Array,
    options: { level: number; maxOutputLength: number; chunkSize: number },
  ): Uint8Array;
  inflateRawSync(source: Uint8Array, options: { maxOutputLength: number; info: true }): Inflated;
  zstdCompressSync?: (
    source: Uint8Array,
    options: { params: Record<number, number>; maxOutputLength: number; chunkSize: number },
  ) => Uint8Array;
  zstdDecompressSync?: (
    source: Uint8Array,
    options: { params: Record<number, number>; maxOutputLength: number },
  ) => Uint8Array;
  readonly constants: { readonly ZSTD_c_compressionLevel?: number; readonly ZSTD_d_windowLogMax?: number };
}

/** What `info: true` gives; a runtime that does not know the option gives the bytes alone. */
type Inflated =
  | Uint8Array
  | { readonly buffer: Uint8Array; readonly engine: { readonly bytesWritten: number } };

/** Largest window of Zstandard that is accepted, as a power of two: 8 MiB (T27). */
const MOST_WINDOW_LOG = 23;

/** `run`, with what it throws as the error of the peer that has sent the bytes. */
function expanded(name: string, run: () => Uint8Array): Uint8Array {
  try {
    return run();
  } catch (error) {
    throw badBytes(name, messageOf(error));
  }
}

/** What is made is not much longer than `source`, however badly it shrinks, bytes. */
const MOST_OVERHEAD_BYTES = 512;
/** Output is collected in pieces of at most so many bytes. */
const MOST_CHUNK_BYTES = 65_536;

/**
 * Room for all that `source` can become, though more than is asked for: to be told by an error that it does not fit costs
 * more than to make it.
 */
function roomFor({ length }: Uint8Array): { readonly maxOutputLength: number; readonly chunkSize: number } {
  const maxOutputLength = length + (length >>> 8) + MOST_OVERHEAD_BYTES;
  return { maxOutputLength, chunkSize: Math.min(maxOutputLength, MOST_CHUNK_BYTES) };
}

/**
 * Write what `run` makes, if it fits. Native compressors throw when the output passes its limit, and that alone is no
 * reason to fail.
 */
function fitted(into: Uint8Array, run: () => Uint8Array): number {
  let data: Uint8Array;
  try {
    data = run();
  } catch (error) {
    if ((error as { code?: unknown }).code === "ERR_BUFFER_TOO_LARGE") return 0;
    throw error;
  }
  if (data.length > into.length) return 0;
  into.set(data, 0);
  return data.length;
}

/** Deflate by zlib. @param level - 1 to 9 */
export function zlibDeflate(zlib: Zlib, level: number): Compressor {
  return {
    name: "deflate",
    number: CompressorNumber.deflate,
    mostPassed: MostPassed.deflate,
    compress: (source, into) =>
      into.length === 0 ? 0 : fitted(into, () => zlib.deflateRawSync(source, { level, ...roomFor(source) })),
    expand: (source, length, into) => {
      const bytes = expanded("deflate", () => {
        const out = zlib.inflateRawSync(source, { maxOutputLength: Math.max(1, length), info: true });
        if (out instanceof Uint8Array) return out;
        if (out.engine.bytesWritten < source.length) throw new Error("something follows the last block");
        return out.buffer;
      });
      return checkLength("deflate", bytes, length, into);
    },
  };
}

/** Zstandard by zlib; `undefined` where zlib has none. @param level - 1 to 19 */
export function zlibZstd(zlib: Zlib, level: number): Compressor | undefined {
  const { constants, zstdCompressSync, zstdDecompressSync } = zlib;
  const { ZSTD_c_compressionLevel, ZSTD_d_windowLogMax } = constants;
  if (zstdCompressSync === undefined || zstdDecompressSync === undefined) return undefined;
  if (ZSTD_c_compressionLevel === undefined || ZSTD_d_windowLogMax === undefined) return undefined;
  const params = { [ZSTD_c_compressionLevel]: level };
  const window = { [ZSTD_d_windowLogMax]: MOST_WINDOW_LOG };
  return {
    name: "zstd",
    number: CompressorNumber.zstd,
    mostPassed: MostPassed.zstd,
    compress: (source, into) =>
      into.length === 0 ? 0 : fitted(into, () => zstdCompressSync(source, { params, ...roomFor(source) })),
    expand: (source, length, into) => {
      checkZstdFrame(source, length);
      const bytes = expanded("zstd", () =>
        zstdDecompressSync(source, { params: window, maxOutputLength: Math.max(1, length) }),
      );
      return checkLength("zstd", bytes, length, into);
    },
  };
}
