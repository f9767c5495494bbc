import type { FixedFormat } from "tideway/channels";

/** How messages are handed over. */
export type Way = "lease" | "one";

/** What a thread is to do. */
export interface Job {
  readonly kind: "send" | "receive" | "ping" | "pong";
  /** Of the channel that it sends to, and of the one that it receives from. */
  readonly to?: SharedArrayBuffer;
  readonly from?: SharedArrayBuffer;
  readonly bytes: number;
  readonly way: Way;
  /** Messages. */
  readonly count: number;
  /** Looks before a blocked thread sleeps. */
  readonly spins?: number;
  readonly isAsync?: boolean;
}

/** What came of it: numbers of messages add up to the same on both sides. */
export interface Report {
  readonly count: number;
  readonly sum: number;
  /** Times of round trips, ns. */
  readonly times?: readonly number[];
}

/** Slots of a lease at a time. */
export const BATCH = 256;

/** Messages that are longer are copied as a whole, both ways; of the others each word is written. */
export const COPY_BYTES = 64;

/** A number in a message of so many bytes: in all of its words, or its first and its last one. */
export function numbered(bytes: number): FixedFormat<number> {
  const last = bytes / 4 - 1;
  const payload = new Uint8Array(bytes).fill(7);
  const copy = new Uint8Array(bytes);
  return {
    style: "fixed",
    bytes,
    write({ i32, u8 }, at, value) {
      if (bytes > COPY_BYTES) u8.set(payload, at);
      else for (let word = 1; word < last; word++) i32[(at >> 2) + word] = value;
      i32[at >> 2] = value;
      i32[(at >> 2) + last] = value;
    },
    read({ i32, u8 }, at) {
      if (bytes > COPY_BYTES) copy.set(u8.subarray(at, at + bytes));
      const value = i32[at >> 2] as number;
      if (i32[(at >> 2) + last] !== value) throw new Error("A message is torn");
      return value;
    },
  };
}

/** Sum of 0 .. count - 1. */
export const sumTo = (count: number): number => (count * (count - 1)) / 2;
