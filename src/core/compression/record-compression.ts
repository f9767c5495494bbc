import type { Bytes } from "../bytes.ts";
import { Adaptive } from "./adaptive.ts";
import type { Compressor } from "./compressor.ts";
import { expandEnvelope, shrink, writeEnvelope } from "./envelope.ts";
import { checkThreshold, DEFAULT_THRESHOLD_BYTES } from "./threshold.ts";

/** What a connection does with its records: one object a connection, made by {@link Compression.open}. */
export interface RecordCompression {
  /** Numbers of the compressors that this side can expand, the preferred one first: for HELLO. */
  readonly numbers: readonly number[];
  /** The peer has said which ones it can expand. Until then nothing is compressed. */
  agree(numbers: readonly number[]): void;
  /**
   * Whether a long payload goes out as it is: records like it did not shrink. Where it does not, it is copied into its
   * record, which {@link compress} is then asked for.
   */
  leaves(payload: Bytes): boolean;
  /**
   * Compress a record in its place, if that is worth it.
   * @param start - where the header byte of the record is; its frames follow, up to `end`
   * @returns the end of the record as it is now.
   */
  compress(bytes: Uint8Array, start: number, end: number): number;
  /**
   * The frames of a compressed record.
   * @param maxBytes - most bytes that they may have
   * @throws {ProtocolError} `ERR_COMPRESS` when they cannot be had, `ERR_PROTOCOL` for a compressor that this side has
   *   not named.
   */
  expand(record: Bytes, maxBytes: number): Bytes;
}

/** The choice of a session: which compressors, and when. Made by {@link compression}. */
export interface Compression {
  /** Whether records are compressed although the peer is on the same machine. */
  readonly sameMachine: boolean;
  /** What one connection uses. */
  open(): RecordCompression;
}

/** How {@link compression} works. */
export interface CompressionOptions {
  /** Records with fewer bytes of frames are left as they are, bytes, 64 to 65,536. Default 128. */
  readonly thresholdBytes?: number;
  /** Compress on IPC, MessagePort and in memory too, where bytes are cheaper than the time. Default false. */
  readonly sameMachine?: boolean;
}

/**
 * For the `compression` option of a session: records are compressed by the first of `compressors` that the peer has
 * too. Both sides must ask for it.
 *
 * One `trySend` or call may be enough to tell a secret by its length: read docs/compression.md first.
 * @throws {RangeError} when there is no compressor, two have the same number, or one has a number out of its bounds, or
 *   the threshold is out of its own.
 */
export function compression(
  compressors: readonly Compressor[],
  options: CompressionOptions = {},
): Compression {
  const { thresholdBytes = DEFAULT_THRESHOLD_BYTES, sameMachine = false } = options;
  checkThreshold(thresholdBytes);
  const numbers = compressors.map(({ number }) => number);
  if (numbers.length === 0 || new Set(numbers).size < numbers.length)
    throw new RangeError(`Cannot use compressors ${numbers.join(", ") || "(none)"}: expected different ones`);
  for (const number of numbers)
    if (!Number.isInteger(number) || number < 1 || number > 15)
      throw new RangeError(`Cannot use compressor ${number}: its number must be from 1 to 15`);
  for (const { mostPassed = 0, name } of compressors)
    if (!Number.isInteger(mostPassed) || mostPassed < 0)
      throw new RangeError(
        `Cannot use compressor ${name}: mostPassed must be a whole number, not ${mostPassed}`,
      );
  return { sameMachine, open: () => new Records(compressors, numbers, thresholdBytes) };
}

/** No more than this is tried where records have failed before, bytes: the rest only when it shrinks. */
const SAMPLE_BYTES = 4_096;

class Records implements RecordCompression {
  readonly numbers: readonly number[];
  readonly #compressors: readonly Compressor[];
  readonly #thresholdBytes: number;
  #adaptive: Adaptive = new Adaptive();
  #chosen: Compressor | undefined;

  constructor(compressors: readonly Compressor[], numbers: readonly number[], thresholdBytes: number) {
    this.#compressors = compressors;
    this.numbers = numbers;
    this.#thresholdBytes = thresholdBytes;
  }

  agree(numbers: readonly number[]): void {
    this.#chosen = this.#compressors.find(({ number }) => numbers.includes(number));
    this.#adaptive = new Adaptive(this.#chosen?.mostPassed);
  }

  leaves(payload: Bytes): boolean {
    return this.#chosen === undefined || !this.#adaptive.tries(payload, 0, payload.length);
  }

  compress(bytes: Uint8Array, start: number, end: number): number {
    const compressor = this.#chosen;
    const first = start + 1;
    const length = end - first;
    if (compressor === undefined || length < this.#thresholdBytes) return end;
    const adaptive = this.#adaptive;
    if (!adaptive.tries(bytes, first, end)) return end;
    const short = this.#sampleShrinks(compressor, bytes, first, end)
      ? shrink(compressor, bytes.subarray(first, end))
      : undefined;
    if (short === undefined) {
      adaptive.failed(bytes, first, end);
      return end;
    }
    adaptive.worked();
    const at = writeEnvelope(bytes, start, compressor.number, length);
    bytes.set(short, at);
    return at + short.length;
  }

  /** Where records did not shrink, a part from the middle tells whether they do again. */
  #sampleShrinks(compressor: Compressor, bytes: Uint8Array, first: number, end: number): boolean {
    if (!this.#adaptive.doubtful || end - first <= SAMPLE_BYTES) return true;
    const at = first + ((end - first - SAMPLE_BYTES) >>> 1);
    return shrink(compressor, bytes.subarray(at, at + SAMPLE_BYTES)) !== undefined;
  }

  expand(record: Bytes, maxBytes: number): Bytes {
    return expandEnvelope(
      record,
      (number) => this.#compressors.find((one) => one.number === number),
      maxBytes,
    );
  }
}
