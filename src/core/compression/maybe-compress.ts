import type { Bytes } from "../bytes.ts";
import { ProtocolError } from "../errors.ts";
import { varintBytes } from "../wire/varint.ts";
import type { Compressor } from "./compressor.ts";
import { expandEnvelope, shrink, writeEnvelope } from "./envelope.ts";
import { lz4 } from "./lz4.ts";
import { checkThreshold, DEFAULT_THRESHOLD_BYTES } from "./threshold.ts";

/** How {@link maybeCompress} works. */
export interface MaybeCompressOptions {
  /** Default: LZ4. */
  readonly compressor?: Compressor;
  /** Shorter input is left as it is, bytes, 64 to 65,536. Default 128. */
  readonly thresholdBytes?: number;
}

/** What {@link maybeCompress} gives. */
export interface MaybeCompressed {
  /** A block that says of itself how it is read: for {@link maybeDecompress}. */
  readonly bytes: Bytes;
  /** Whether it is compressed, which it is only when that makes it shorter by an eighth or more. */
  readonly compressed: boolean;
}

/** How {@link maybeDecompress} works. */
export interface MaybeDecompressOptions {
  /** Compressors that a block may name. Default: LZ4 alone. */
  readonly compressors?: readonly Compressor[];
  /** Most bytes that may come out. Default 16 MiB. */
  readonly maxBytes?: number;
  /**
   * What comes out is put here where it fits, and the result is a view of it: no array is made for each value. It may
   * hold anything after an error. Default: a new array.
   */
  readonly into?: Bytes;
}

/** The default of {@link MaybeDecompressOptions.maxBytes}. */
export const DEFAULT_MAX_BYTES = 16_777_216;

/** First byte of a block that is not compressed. */
const PLAIN = 0;

/**
 * Compress `source` where that is worth it, and pack it up so that it can be told apart.
 *
 * Secrets and what an attacker can choose must not be compressed together: see docs/compression.md.
 * @throws {RangeError} when the threshold is out of its bounds.
 */
export function maybeCompress(source: Uint8Array, options: MaybeCompressOptions = {}): MaybeCompressed {
  const { compressor = lz4, thresholdBytes = DEFAULT_THRESHOLD_BYTES } = options;
  checkThreshold(thresholdBytes);
  const { length } = source;
  const short = length < thresholdBytes ? undefined : shrink(compressor, source);
  if (short === undefined) {
    const plain: Bytes = new Uint8Array(1 + length);
    plain[0] = PLAIN;
    plain.set(source, 1);
    return { bytes: plain, compressed: false };
  }
  const bytes: Bytes = new Uint8Array(1 + varintBytes(length) + short.length);
  bytes.set(short, writeEnvelope(bytes, 0, compressor.number, length));
  return { bytes, compressed: true };
}

/**
 * What {@link maybeCompress} was given.
 * @returns the bytes; a view of `block` when that is not compressed, of `into` when they fit there.
 * @throws {ProtocolError} `ERR_COMPRESS` when the block is malformed or too much would come out, `ERR_PROTOCOL` when it
 *   names a compressor that is not among those allowed.
 */
export function maybeDecompress(block: Bytes, options: MaybeDecompressOptions = {}): Bytes {
  const { compressors = [lz4], maxBytes = DEFAULT_MAX_BYTES, into } = options;
  if (block.length === 0) throw new ProtocolError("ERR_COMPRESS", "Cannot expand: block is empty");
  const find = (number: number) => compressors.find((one) => one.number === number);
  if (block[0] !== PLAIN) return expandEnvelope(block, find, maxBytes, into);
  if (block.length - 1 > maxBytes)
    throw new ProtocolError("ERR_COMPRESS", `Cannot accept ${block.length - 1} bytes: limit is ${maxBytes}`);
  return block.subarray(1);
}
