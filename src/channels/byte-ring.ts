import { corrupt, HEADER_BYTES, type Layout, LENGTH_BYTES, Word } from "./layout.ts";

/** Stands for a length: nothing more before the end of the ring, go on at its beginning. */
const WRAP = -1;

/** Bytes that a record of this length takes in the ring. */
function spaceOf(length: number): number {
  return (length + LENGTH_BYTES + 3) & ~3;
}

/**
 * Sending side of a ring of records of any length, one sender and one receiver: wait-free.
 *
 *     i32 length | bytes | 0 to 3 bytes up to a multiple of 4       -1 in place of a length: go on at the beginning
 *
 * Positions count bytes. A record never crosses the end of the ring, so that it can be read where it lies.
 *
 * Source: as the ring of slots; the record that fills the end is that of the ring buffers of Agrona.
 */
export class ByteProducer {
  readonly #control: Int32Array;
  readonly #capacity: number;
  readonly #slotBytes: number;
  /** Position after the last published record, and after the last claimed one. */
  #tail: number;
  #next: number;
  #seenHead: number;

  constructor(control: Int32Array, layout: Layout) {
    this.#control = control;
    this.#capacity = layout.capacity;
    this.#slotBytes = layout.slotBytes;
    this.#tail = Atomics.load(control, Word.TAIL);
    this.#next = this.#tail;
    this.#seenHead = this.#tail;
    this.#look();
  }

  /** Bytes in the ring, by a fresh look. */
  get depth(): number {
    return (this.#tail - this.#look()) | 0;
  }

  /** Longest record that can be claimed now; -1 when not even an empty one can. */
  get room(): number {
    const free = this.#capacity - ((this.#next - this.#look()) | 0);
    const untilEnd = this.#capacity - (this.#next & (this.#capacity - 1));
    const longest = free <= untilEnd ? free : Math.max(untilEnd, free - untilEnd);
    return Math.min(longest - LENGTH_BYTES, this.#slotBytes);
  }

  /**
   * Claim a record behind those that were claimed before; {@link publish} lets the receiver see all of them.
   * @param length - at most the `slotBytes` of the layout
   * @returns where its bytes go, an offset in the shared memory; -1 when there is no room.
   * @throws {ProtocolError} when the control words hold what cannot be.
   */
  claim(length: number): number {
    const space = spaceOf(length);
    const index = this.#next & (this.#capacity - 1);
    const untilEnd = this.#capacity - index;
    const need = space <= untilEnd ? space : untilEnd + space;
    if (this.#capacity - ((this.#next - this.#seenHead) | 0) < need) {
      if (this.#capacity - ((this.#next - this.#look()) | 0) < need) return -1;
    }
    const at = HEADER_BYTES + (space <= untilEnd ? index : 0);
    if (space > untilEnd) this.#control[(HEADER_BYTES + index) >> 2] = WRAP;
    this.#control[at >> 2] = length;
    this.#next = (this.#next + need) | 0;
    return at + LENGTH_BYTES;
  }

  /** Let the receiver see what was claimed. */
  publish(): void {
    this.#tail = this.#next;
    Atomics.store(this.#control, Word.TAIL, this.#tail);
  }

  /** Forget what was claimed and not published. */
  abandon(): void {
    this.#next = this.#tail;
  }

  #look(): number {
    const head = Atomics.load(this.#control, Word.HEAD);
    const used = (this.#next - head) | 0;
    if (used < 0 || used > this.#capacity || (head & 3) !== 0) throw corrupt("the receiver's position", head);
    this.#seenHead = head;
    return head;
  }
}

/** Receiving side of a ring of records of any length. See {@link ByteProducer}. */
export class ByteConsumer {
  /** Length of the last claimed record. */
  length = 0;
  readonly #control: Int32Array;
  readonly #capacity: number;
  readonly #slotBytes: number;
  /** Position after the last released record, and after the last claimed one. */
  #head: number;
  #next: number;
  #seenTail: number;

  constructor(control: Int32Array, layout: Layout) {
    this.#control = control;
    this.#capacity = layout.capacity;
    this.#slotBytes = layout.slotBytes;
    this.#head = Atomics.load(control, Word.HEAD);
    this.#next = this.#head;
    this.#seenTail = this.#head;
    this.#look();
  }

  /** Bytes in the ring, by a fresh look. */
  get depth(): number {
    return (this.#look() - this.#head) | 0;
  }

  /**
   * Claim the record behind those that were claimed before; {@link release} gives all of them back.
   * @returns where its bytes are, an offset in the shared memory, with `length`; -1 when there is none.
   * @throws {ProtocolError} when the sender wrote a length that cannot be.
   */
  claim(): number {
    let ready = (this.#seenTail - this.#next) | 0;
    if (ready === 0) ready = (this.#look() - this.#next) | 0;
    if (ready === 0) return -1;
    const index = this.#next & (this.#capacity - 1);
    // Each length is read once: the sender may still write there.
    const length = this.#control[(HEADER_BYTES + index) >> 2] as number;
    if (length === WRAP && ready > this.#capacity - index)
      return this.#claimAt(0, this.#capacity - index, ready);
    return this.#accept(length, index, 0, Math.min(ready, this.#capacity - index));
  }

  /** Give back what was claimed. */
  release(): void {
    this.#head = this.#next;
    Atomics.store(this.#control, Word.HEAD, this.#head);
  }

  #claimAt(index: number, skipped: number, ready: number): number {
    const length = this.#control[(HEADER_BYTES + index) >> 2] as number;
    return this.#accept(length, index, skipped, ready - skipped);
  }

  #accept(length: number, index: number, skipped: number, most: number): number {
    if (length < 0 || length > this.#slotBytes || spaceOf(length) > most) throw corrupt("a length", length);
    this.length = length;
    this.#next = (this.#next + skipped + spaceOf(length)) | 0;
    return HEADER_BYTES + index + LENGTH_BYTES;
  }

  #look(): number {
    const tail = Atomics.load(this.#control, Word.TAIL);
    const ready = (tail - this.#next) | 0;
    const isSound = ready >= 0 && ready <= this.#capacity && (tail & 3) === 0;
    if (!isSound) throw corrupt("the sender's position", tail);
    this.#seenTail = tail;
    return tail;
  }
}
