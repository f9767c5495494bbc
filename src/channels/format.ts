import type { Codec } from "../core/codecs/codec.ts";
import { copyIn } from "./copy.ts";

/** The memory of a channel, as every kind of number. Offsets are bytes from its beginning: shift them for wider views. */
export interface RecordMemory {
  readonly u8: Uint8Array;
  readonly i32: Int32Array;
  readonly u32: Uint32Array;
  readonly f32: Float32Array;
  readonly f64: Float64Array;
  /** Everything else; little-endian is what the other views are on every platform that matters. */
  readonly view: DataView;
}

/** Views of shared memory whose length is a multiple of 8. */
export function viewsOf(buffer: SharedArrayBuffer): RecordMemory {
  return {
    u8: new Uint8Array(buffer),
    i32: new Int32Array(buffer),
    u32: new Uint32Array(buffer),
    f32: new Float32Array(buffer),
    f64: new Float64Array(buffer),
    view: new DataView(buffer),
  };
}

/** Messages of one size, written into the ring where they stay: no bytes are made of them first. */
export interface FixedFormat<T> {
  readonly style: "fixed";
  /** Length of each, bytes. */
  readonly bytes: number;
  /**
   * Write `value` at an offset that is a multiple of 8.
   * @throws {TypeError} when the value has no such form; nothing is sent then.
   */
  write(memory: RecordMemory, at: number, value: T): void;
  /** Read what lies at an offset. The value must not hold views: the place is given back after this. */
  read(memory: RecordMemory, at: number): T;
}

/** Messages of any length that a codec makes bytes of. */
export interface CodedFormat<T> {
  readonly style: "coded";
  readonly codec: Codec<T>;
  /** Longest message, bytes. */
  readonly maxBytes: number;
}

/** How messages lie in a channel. Both sides name the same. */
export type Format<T> = FixedFormat<T> | CodedFormat<T>;

/** Longest message of a format that says nothing of it, bytes. */
export const DEFAULT_MAX_BYTES = 4_096;

/**
 * Messages that any codec makes bytes of.
 * @param maxBytes - longest message; each slot of an mpsc or mpmc channel takes as much
 */
export function coded<T>(codec: Codec<T>, maxBytes: number = DEFAULT_MAX_BYTES): CodedFormat<T> {
  return { style: "coded", codec, maxBytes };
}

/** Byte arrays of one length. */
export function fixedBytes(bytes: number): FixedFormat<Uint8Array> {
  return {
    style: "fixed",
    bytes,
    write(memory, at, value) {
      if (value.length !== bytes) {
        throw new TypeError(`Cannot send ${value.length} bytes: messages here have ${bytes}`);
      }
      copyIn(memory.u8, at, value);
    },
    // A copy in memory of its own: `slice` of shared memory would be shared.
    read: (memory, at) => new Uint8Array(memory.u8.subarray(at, at + bytes)),
  };
}
