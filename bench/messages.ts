import type { Bytes } from "tideway";
import { check } from "./harness.ts";

/** Bytes of messages kept ready: enough that they differ, little enough to stay in the cache. */
const POOL_BYTES = 1 << 20;
const MOST_MESSAGES = 1_024;

/** Messages that differ from each other, to be sent in turn. Both processes of a bench make the same ones. */
export function makeMessages(bytes: number): readonly Bytes[] {
  const count = Math.min(MOST_MESSAGES, POOL_BYTES / bytes);
  return Array.from({ length: count }, (_, index) => {
    const message: Bytes = new Uint8Array(bytes);
    for (let at = 0; at < bytes; at++) message[at] = (index * 31 + at * 7 + (index >> 8)) & 255;
    return message;
  });
}

/** Counts messages and folds them into a hash that depends on their order, in a few nanoseconds each. */
export class Tally {
  count = 0;
  hash = 0;

  /** Take a message that is not empty. */
  add(message: Uint8Array): void {
    this.addEnds(message[0] as number, message[message.length - 1] as number, message.length);
  }

  /** Take a message that is known by its first byte, its last byte and its length. */
  addEnds(first: number, last: number, length: number): void {
    this.hash = (Math.imul(this.hash, 31) + (first | (last << 8)) + (length << 16)) | 0;
    this.count++;
  }
}

/** @throws {Error} unless `tally` is that of the first `count` messages of the pool, sent in turn. */
export function checkTally(
  tally: Readonly<Pick<Tally, "count" | "hash">>,
  pool: readonly Bytes[],
  count: number,
): void {
  const expected = new Tally();
  for (let i = 0; i < count; i++) expected.add(pool[i % pool.length]!);
  check(tally.count === count, `${tally.count} of ${count} messages arrived`);
  check(tally.hash === expected.hash, "the messages that arrived are not those that were sent, in order");
}
