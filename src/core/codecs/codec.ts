import type { Bytes } from "../bytes.ts";

/** Limits that every decoder of values enforces while it decodes, before it allocates. */
export interface DecodeLimits {
  /** Deepest nesting of arrays and maps: a number has depth 0, an array of numbers depth 1. */
  readonly maxDepth: number;
  /** Most array elements and map entries in one message, counted over all levels. */
  readonly maxElements: number;
  /** Most keys in one map. */
  readonly maxKeys: number;
}

/** Limits for a peer that is known. Source: docs/protocol.md, section 8 (T17, T18, T21). */
export const DEFAULT_DECODE_LIMITS: DecodeLimits = { maxDepth: 64, maxElements: 65_536, maxKeys: 256 };

/**
 * Values to bytes and back. One codec serves many streams, so it keeps no state between calls.
 *
 * A codec is chosen per stream: the opener names one by its position in the list of its own HELLO.
 */
export interface Codec<T = unknown> {
  /** Name in HELLO: lower-case ASCII, at most 32 bytes, such as `json` or `msgpack`. */
  readonly name: string;
  /**
   * Bytes of `value`. The caller owns them: the codec neither keeps nor changes them afterwards. They may be a view
   * of a buffer that holds other messages too, so they may be copied but their `buffer` not transferred.
   * @throws {TypeError} when the value has no form in this codec.
   */
  encode(value: T): Bytes;
  /**
   * Value of `bytes`. The value may hold views of `bytes`, which the caller no longer changes.
   * @throws {ProtocolError} with `ERR_DECODE` when the bytes are malformed or pass a limit.
   */
  decode(bytes: Bytes): T;
}
