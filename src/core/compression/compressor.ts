import type { Bytes } from "../bytes.ts";
import { ProtocolError } from "../errors.ts";

/** Names of the compressors that the protocol knows. */
export type CompressorName = "lz4" | "zstd" | "deflate";

/**
 * Number of each compressor in HELLO and in the header of a record. Those from 8 to 15 are for private agreement.
 *
 * Source: docs/protocol.md, section 3.3.
 */
export const CompressorNumber: Readonly<Record<CompressorName, number>> = { lz4: 1, zstd: 2, deflate: 3 };

/**
 * {@link Compressor.mostPassed} of each, by what a try in vain costs: amid a session in memory, whose records took 7 to
 * 55 us, LZ4 took 5 to 40 us, Zstandard 80 to 800 and deflate 450 to 1,900 (bench/compression/in-vain.ts).
 */
export const MostPassed: Readonly<Record<CompressorName, number>> = {
  lz4: 255,
  zstd: 8_191,
  deflate: 16_383,
};

/**
 * Bytes to fewer bytes and back. Every call stands for itself: no state of one reaches another, so one compressor
 * serves all connections of a process and none of them can learn about another by it.
 *
 * Neither way ever makes more than the caller has allowed: the length of `into`, or `length`.
 */
export interface Compressor {
  /** For people and logs. */
  readonly name: string;
  /** Number on the wire, 1 to 15. */
  readonly number: number;
  /**
   * Most records in a row that a session sends as they are, once several have not shrunk, before it tries one again. The
   * more a try in vain costs, the more it should be: 255 for LZ4, 16,383 for deflate. Default 4,095.
   */
  readonly mostPassed?: number;
  /**
   * Write a shorter form of `source` to the beginning of `into`.
   * @returns the bytes written; 0 when the shorter form does not fit, and `into` then holds anything.
   */
  compress(source: Uint8Array, into: Uint8Array): number;
  /**
   * What `source` stands for. It may be anything: it came from a peer.
   * @param length - bytes that come out; the caller has checked that it can afford them
   * @param into - where they may be put, at least `length` long: for values that are as long as a record or longer,
   *   memory of which the system has to make pages costs as much as expanding them
   * @returns exactly `length` bytes, the caller's to keep: a view of `into`, or an array of their own.
   * @throws {ProtocolError} `ERR_COMPRESS` when `source` is malformed, or does not stand for `length` bytes.
   */
  expand(source: Uint8Array, length: number, into?: Bytes): Bytes;
}

/** What a compressor throws. @param what - what was seen, for people */
export function badBytes(name: string, what: string): ProtocolError {
  return new ProtocolError("ERR_COMPRESS", `Cannot expand ${name}: ${what}`);
}

/** `bytes` as a plain array, whatever native code has made, or in `into`, when they are as many as they must be. */
export function checkLength(name: string, bytes: Uint8Array, length: number, into?: Bytes): Bytes {
  if (bytes.length !== length) throw badBytes(name, `${bytes.length} bytes come out instead of ${length}`);
  if (into !== undefined) {
    into.set(bytes, 0);
    return into.subarray(0, length);
  }
  const own = bytes as Bytes;
  return own.constructor === Uint8Array ? own : new Uint8Array(own.buffer, own.byteOffset, length);
}

/** @throws {RangeError} when a compressor has no such level. */
export function checkLevel(name: string, level: number, most: number): void {
  if (!Number.isInteger(level) || level < 1 || level > most)
    throw new RangeError(`Cannot use level ${level} of ${name}: must be a whole number from 1 to ${most}`);
}
