import { HEADER_BYTES, type Layout, Word } from "../../../src/channels/layout.ts";
import type { Random } from "../../../src/testing/random.ts";
import {
  type ChannelKind,
  type ChannelReceiver,
  type ChannelSender,
  coded,
  createChannel,
  fixedBytes,
  openReceiver,
  openSender,
} from "../../../src/threads/channels.ts";

/** Every kind of channel. */
export const KINDS: readonly ChannelKind[] = ["spsc", "mpsc", "mpmc"];

/** Longest message, bytes. */
export const MAX_BYTES = 40;

/** Bytes as they are: gives back how long each message was. */
const bytes = {
  name: "raw",
  encode: (value: Uint8Array<ArrayBuffer>) => value,
  decode: (value: Uint8Array<ArrayBuffer>) => value,
};
const FORMATS = { coded: coded<Uint8Array>(bytes as never, MAX_BYTES), fixed: fixedBytes(MAX_BYTES) };

/** How messages lie in a channel. */
export type HostileStyle = keyof typeof FORMATS;
/** All of them. */
export const STYLES: readonly HostileStyle[] = ["coded", "fixed"];

/** A small channel with both ends in this thread. */
export interface Target {
  readonly memory: SharedArrayBuffer;
  readonly sender: ChannelSender<Uint8Array>;
  readonly receiver: ChannelReceiver<Uint8Array>;
}

/** Make a channel that somebody is to write garbage into. */
export function openTarget(kind: ChannelKind, style: HostileStyle): Target {
  const format = FORMATS[style] as typeof FORMATS.fixed;
  const size = style === "coded" && kind === "spsc" ? { capacityBytes: 256 } : { capacity: 8 };
  const memory = createChannel<Uint8Array>({ kind, format, ...size });
  return { memory, sender: openSender(memory, format), receiver: openReceiver(memory, format) };
}

/** A message, as the ends of a target send it. */
export const MESSAGE: Uint8Array<ArrayBuffer> = new Uint8Array(MAX_BYTES).fill(7);

/**
 * Send and receive in all ways that do not wait.
 * @throws {WireError} when the memory holds what cannot be. @throws {Error} when a message is longer than it can be.
 */
export function use({ sender, receiver }: Target, random: Random): void {
  for (let i = 0; i < 12; i++) {
    if (random.chance(0.6)) sender.trySend(MESSAGE);
    else checkLength(receiver.tryReceive()?.length ?? 0, MAX_BYTES);
  }
  checkLength(receiver.tryReceiveBatch(20).length, 20);
  const lease = receiver.tryLease(8);
  try {
    for (let i = 0; i < (lease?.count ?? 0); i++) checkLength(lease?.bytes(i).length ?? 0, MAX_BYTES);
  } finally {
    lease?.[Symbol.dispose]();
  }
  sender.stats();
  receiver.stats();
}

function checkLength(length: number, most: number): void {
  if (length > most) throw new Error(`Over-read: ${length} in place of ${most} at most`);
}

/** A number that a control word may be made of: near what it was, near the edges, anything. */
export function garbage(random: Random, before: number): number {
  const kinds = [
    () => before + random.int(-8, 8),
    () => random.pick([0, -1, 1, 0x7fff_ffff, -0x8000_0000, 768, 1_024]),
    () => random.int(-0x8000_0000, 0x7fff_ffff),
    () => before + random.int(-3_000, 3_000),
  ];
  return random.pick(kinds)();
}

/**
 * Write garbage into a control word, a sequence number, a length, or any word of a record.
 * @param layout - read before: the memory may not say it any more
 */
export function spoil(words: Int32Array, { kind, stride }: Layout, random: Random): void {
  const cell = (HEADER_BYTES + random.int(0, 7) * stride) >> 2;
  const cells = [
    () => random.int(HEADER_BYTES >> 2, words.length - 1),
    () => Math.min(cell + random.int(0, 2), words.length - 1), // sequence number, length of the run, length
  ];
  const isWord = random.chance(kind === "spsc" ? 0.7 : 0.4);
  const index = isWord ? random.pick(Object.values(Word)) : random.pick(cells)();
  words[index] = garbage(random, words[index] as number);
}
