import { ProtocolError } from "../core/errors.ts";

/** Who may use a channel: one or many senders, one or many receivers. */
export type ChannelKind = "spsc" | "mpsc" | "mpmc";

/** How records lie in the ring: slots of one size, or records of any length one after the other. */
export type RecordStyle = "slots" | "bytes";

/**
 * Distance of words that different threads write, bytes: two cache lines, because processors fetch lines in pairs
 * and those of Apple have lines of 128 bytes.
 */
export const LINE_BYTES = 128;

/**
 * The control words of a channel, as indexes of 32-bit words.
 *
 *     line 0   written once: magic, kind, style, capacity, slot bytes, stride, senders, receivers, first position
 *     line 1   TAIL   position after the last record that was published (spsc) or claimed (mpsc, mpmc)
 *     line 2   HEAD   position of the first record that was not released (spsc, mpsc) or claimed (mpmc)
 *     line 3   what receivers sleep on
 *     line 4   what senders sleep on
 *     line 5   how the channel ends: failure, ends opened and closed
 *     line 6.. the cells: a sequence number and the length of its run each (mpsc, mpmc), then the records
 *
 * Positions count slots, or bytes in a ring of bytes. They run freely, mod 2^32, and are masked where they are used.
 */
export const Word = {
  MAGIC: 0,
  KIND: 1,
  STYLE: 2,
  CAPACITY: 3,
  SLOT_BYTES: 4,
  STRIDE: 5,
  SENDERS: 6,
  RECEIVERS: 7,
  START: 8,
  TAIL: 32,
  /** Most that was ever in the ring; written by senders, rarely. */
  HIGH_WATER: 48,
  HEAD: 64,
  DATA_EPOCH: 96,
  RECEIVERS_ASLEEP: 97,
  SPACE_EPOCH: 128,
  SENDERS_ASLEEP: 129,
  FAILURE: 160,
  /** Not 0 when nothing can be sent any more: after a failure, or when all receivers are closed. */
  OVER: 165,
  SENDERS_OPENED: 161,
  SENDERS_CLOSED: 162,
  RECEIVERS_OPENED: 163,
  RECEIVERS_CLOSED: 164,
} as const;

/** Where the cells begin, bytes. */
export const HEADER_BYTES: number = 6 * LINE_BYTES;
/** In front of the record in each cell of an mpsc or mpmc ring: sequence number and length of its run. */
export const CELL_BYTES = 8;
/** In front of each coded message: its length. */
export const LENGTH_BYTES = 4;
/** Largest ring, bytes: positions stay far from half of their range. */
export const MOST_BYTES = 0x4000_0000;
/** Most ends of one kind that a channel can have. */
export const MOST_ENDS = 1_024;

const MAGIC = 0x7469_6465; // "tide"
const KINDS: readonly ChannelKind[] = ["spsc", "mpsc", "mpmc"];
const STYLES: readonly RecordStyle[] = ["slots", "bytes"];

/** What a channel is, fixed when it was made. Read once, checked, and never read from shared memory again. */
export interface Layout {
  readonly kind: ChannelKind;
  readonly style: RecordStyle;
  /** Slots, or bytes of a ring of bytes; a power of two. */
  readonly capacity: number;
  /** Longest record, bytes; in slots of coded messages with its length. */
  readonly slotBytes: number;
  /** Distance of two slots, bytes; 1 in a ring of bytes. */
  readonly stride: number;
  /** How many senders there are, and how many receivers. */
  readonly senders: number;
  readonly receivers: number;
  /** Position of the first record: 0, but for tests of the wrap of positions. */
  readonly start: number;
}

/** Bytes that a channel of this layout takes. */
export function bytesOf({ capacity, stride }: Layout): number {
  return HEADER_BYTES + capacity * stride;
}

/** Write a layout into memory that is all zeros. */
export function writeLayout(buffer: SharedArrayBuffer, layout: Layout): void {
  const words = new Int32Array(buffer);
  words[Word.KIND] = KINDS.indexOf(layout.kind);
  words[Word.STYLE] = STYLES.indexOf(layout.style);
  words[Word.CAPACITY] = layout.capacity;
  words[Word.SLOT_BYTES] = layout.slotBytes;
  words[Word.STRIDE] = layout.stride;
  words[Word.SENDERS] = layout.senders;
  words[Word.RECEIVERS] = layout.receivers;
  words[Word.START] = layout.start;
  words[Word.TAIL] = layout.start;
  words[Word.HEAD] = layout.start;
  if (layout.kind !== "spsc") {
    // All cells are free, in one run, or in two where the first position is not at the beginning of the ring.
    const { capacity, start } = layout;
    const first = start & (capacity - 1);
    for (let i = 0; i < capacity; i++) {
      const index = (first + i) & (capacity - 1);
      const word = (HEADER_BYTES + index * layout.stride) >> 2;
      words[word] = (start + i) | 0;
      words[word + 1] = (index < first ? first : capacity) - index;
    }
  }
  Atomics.store(words, Word.MAGIC, MAGIC);
}

/**
 * Read what a channel is, and check that all of it fits into the memory.
 * @throws {ProtocolError} when the memory holds no channel, or one that cannot be.
 */
export function readLayout(buffer: SharedArrayBuffer): Layout {
  if (buffer.byteLength < HEADER_BYTES) throw refusal(`${buffer.byteLength} bytes`);
  const words = new Int32Array(buffer, 0, HEADER_BYTES / 4);
  const at = (index: number): number => Atomics.load(words, index);
  if (at(Word.MAGIC) !== MAGIC) throw refusal("memory without its mark");
  const kind = KINDS[at(Word.KIND)];
  const style = STYLES[at(Word.STYLE)];
  if (kind === undefined || style === undefined) throw refusal("an unknown kind");
  const layout: Layout = {
    kind,
    style,
    capacity: at(Word.CAPACITY),
    slotBytes: at(Word.SLOT_BYTES),
    stride: at(Word.STRIDE),
    senders: at(Word.SENDERS),
    receivers: at(Word.RECEIVERS),
    start: at(Word.START),
  };
  if (!isSound(layout) || bytesOf(layout) > buffer.byteLength) throw refusal("sizes that cannot be");
  return layout;
}

function isSound({ kind, style, capacity, slotBytes, stride, senders, receivers }: Layout): boolean {
  const isPowerOfTwo = capacity >= 2 && capacity <= MOST_BYTES && (capacity & (capacity - 1)) === 0;
  if (!isPowerOfTwo || slotBytes < 1 || stride < 1 || capacity * stride > MOST_BYTES) return false;
  if (!isEndCount(senders, kind !== "spsc") || !isEndCount(receivers, kind === "mpmc")) return false;
  if (style === "bytes") return kind === "spsc" && stride === 1 && slotBytes <= longestRecord(capacity);
  return stride % 8 === 0 && stride >= slotBytes + (kind === "spsc" ? 0 : CELL_BYTES);
}

/** Longest record of a ring of bytes, which does not cross its end: one that is longer may never find its place. */
export function longestRecord(capacity: number): number {
  return capacity / 2 - 4;
}

/** Whether there can be so many ends of one kind. */
export function isEndCount(count: number, many: boolean): boolean {
  return Number.isInteger(count) && count >= 1 && count <= (many ? MOST_ENDS : 1);
}

function refusal(what: string): ProtocolError {
  return new ProtocolError("ERR_PROTOCOL", `Cannot open channel: ${what}`);
}

/** What an end says when control words hold what no thread of this library writes. */
export function corrupt(what: string, value: number): ProtocolError {
  return new ProtocolError("ERR_PROTOCOL", `Cannot use channel: ${what} is ${value}`);
}
