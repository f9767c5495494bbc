import { CELL_BYTES, corrupt, HEADER_BYTES, type Layout, Word } from "./layout.ts";
import { MOST_RACES, type SlotConsumer, type SlotProducer } from "./ring.ts";

/**
 * Sending side of a ring with many senders and one receiver.
 *
 * Senders race for positions with a compare-and-swap on TAIL, one for a whole batch, and publish each cell with its
 * sequence number, position + 1. Whether there is room says the receiver's HEAD, which a sender keeps from its last
 * look: an older one only makes the ring look fuller. No sender waits for another. The receiver cannot pass a cell
 * that is claimed and not published yet.
 *
 * Source: D. Vyukov, "Bounded MPMC queue", 1024cores.net, with the one receiver's position in place of the sequence
 * numbers of free cells.
 */
export class MpscProducer implements SlotProducer {
  offset = 0;
  readonly hasLengths = true;
  readonly #control: Int32Array;
  readonly #capacity: number;
  readonly #stride: number;
  #seenHead: number;
  #claimed = 0;
  #position = 0;

  constructor(control: Int32Array, layout: Layout) {
    this.#control = control;
    this.#capacity = layout.capacity;
    this.#stride = layout.stride;
    this.#seenHead = Atomics.load(control, Word.HEAD);
  }

  get depth(): number {
    return depthOf(this.#control, this.#capacity);
  }

  claim(want: number): number {
    const control = this.#control;
    const capacity = this.#capacity;
    for (let lost = 0; lost < MOST_RACES; lost++) {
      const tail = Atomics.load(control, Word.TAIL);
      let used = (tail - this.#seenHead) | 0;
      if (used < 0 || used > capacity - want) {
        this.#seenHead = Atomics.load(control, Word.HEAD);
        used = (tail - this.#seenHead) | 0;
        if (used > capacity) throw corrupt("the receiver's position", this.#seenHead);
        if (used < 0) continue; // others went on since TAIL was read
      }
      const index = tail & (capacity - 1);
      const count = Math.min(want, capacity - used, capacity - index);
      if (count === 0) return 0;
      if (Atomics.compareExchange(control, Word.TAIL, tail, (tail + count) | 0) !== tail) continue;
      this.#position = tail;
      this.#claimed = count;
      this.offset = HEADER_BYTES + index * this.#stride + CELL_BYTES;
      return count;
    }
    throw corrupt("the position of senders", Atomics.load(control, Word.TAIL));
  }

  publish(_count: number): void {
    const step = this.#stride >> 2;
    const count = this.#claimed;
    let word = (this.offset - CELL_BYTES) >> 2;
    let sequence = this.#position;
    for (let i = 0; i < count; i++) {
      sequence = (sequence + 1) | 0;
      Atomics.store(this.#control, word, sequence);
      word += step;
    }
  }
}

/** Receiving side of a ring with many senders and one receiver. See {@link MpscProducer}. */
export class MpscConsumer implements SlotConsumer {
  offset = 0;
  readonly hasLengths = true;
  readonly #control: Int32Array;
  readonly #capacity: number;
  readonly #stride: number;
  #head: number;

  constructor(control: Int32Array, layout: Layout) {
    this.#control = control;
    this.#capacity = layout.capacity;
    this.#stride = layout.stride;
    this.#head = Atomics.load(control, Word.HEAD);
  }

  get depth(): number {
    return depthOf(this.#control, this.#capacity);
  }

  claim(want: number): number {
    const index = this.#head & (this.#capacity - 1);
    const most = Math.min(want, this.#capacity - index);
    const step = this.#stride >> 2;
    const first = HEADER_BYTES + index * this.#stride;
    let word = first >> 2;
    let count = 0;
    for (; count < most; count++) {
      const published = (this.#head + count + 1) | 0;
      const sequence = Atomics.load(this.#control, word);
      if (sequence !== published) {
        this.#check(sequence, published);
        break;
      }
      word += step;
    }
    this.offset = first + CELL_BYTES;
    return count;
  }

  release(count: number): void {
    this.#head = (this.#head + count) | 0;
    Atomics.store(this.#control, Word.HEAD, this.#head);
  }

  /** A cell that is not published holds what it was made with, or its number of the last round. */
  #check(sequence: number, published: number): void {
    const behind = (published - sequence) | 0;
    if (behind !== 1 && behind !== this.#capacity) throw corrupt("a sequence number", sequence);
  }
}

/** Positions between HEAD and TAIL; between two looks at them, threads may go on. */
export function depthOf(control: Int32Array, capacity: number): number {
  const head = Atomics.load(control, Word.HEAD);
  return Math.min(Math.max(0, (Atomics.load(control, Word.TAIL) - head) | 0), capacity);
}
