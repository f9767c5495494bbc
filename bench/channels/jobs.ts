import type { MessagePort } from "node:worker_threads";
import type { FixedFormat } from "tideway/channels";

/** How messages are handed over: in batches or one by one. */
export type Way = "lease" | "one";

/** Post messages through a port, or take them: a copy each, or memory that changes its owner. */
export interface PortJob {
  readonly kind: "post" | "take";
  readonly port: MessagePort;
  readonly isTransfer: boolean;
  readonly bytes: number;
  readonly way: Way;
  /** Messages. */
  readonly count: number;
}

/** What a thread is to do with channels. */
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

/** Messages of a batch in one posted message: as many as a lease has, of at most 1 MiB together. */
export const postedBatch = (bytes: number, way: Way): number =>
  way === "one" ? 1 : Math.max(1, Math.min(BATCH, 1_048_576 / bytes));

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
