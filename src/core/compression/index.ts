/** Compression that works everywhere: LZ4 in TypeScript, and what sessions and programs do with any compressor. */
export {
  type Compressor,
  type CompressorName,
  CompressorNumber,
} from "./compressor.ts";
export { lz4 } from "./lz4.ts";
export {
  DEFAULT_MAX_BYTES,
  type MaybeCompressed,
  type MaybeCompressOptions,
  type MaybeDecompressOptions,
  maybeCompress,
  maybeDecompress,
} from "./maybe-compress.ts";
export {
  type Compression,
  type CompressionOptions,
  compression,
  type RecordCompression,
} from "./record-compression.ts";
export { DEFAULT_THRESHOLD_BYTES } from "./threshold.ts";
