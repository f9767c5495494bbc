import { CELL_BYTES, corrupt, HEADER_BYTES, type Layout, Word } from "./layout.ts";
import { MOST_RACES, type SlotConsumer, type SlotProducer } from "./ring.ts";
import { countRuns, storeRun } from "./runs.ts";

/**
 * Sending side of a ring with many senders and one receiver.
 *
 * Senders race for positions with a compare-and-swap on TAIL, one for a whole batch, and publish the batch as a run with
 * one store: the cell of position p gets the sequence number p + 1. The receiver looks once for each run. Whether there is
 * room says the receiver's HEAD, which a sender keeps from its last look: an older one only makes the ring look fuller.
 * No sender waits for another. The receiver cannot pass a cell that is claimed and not published yet.
 *
 * Source: D. Vyukov, "Bounded MPMC queue", 1024cores.net, with the one receiver's position in place of the sequence
 * numbers of free cells; runs are ours.
 */
export class MpscProducer implements SlotProducer {
  offset = 0;
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

  publish(count: number): void {
    const first = (this.offset - CELL_BYTES) >> 2;
    publishCells(this.#control, first, this.#stride >> 2, this.#position, count, this.#claimed);
  }
}

/** Receiving side of a ring with many senders and one receiver. See {@link MpscProducer}. */
export class MpscConsumer implements SlotConsumer {
  offset = 0;
  readonly #control: Int32Array;
  readonly #capacity: number;
  readonly #stride: number;
  #head: number;
  /** Position after the last cell that is known to be published. */
  #seen: number;

  constructor(control: Int32Array, layout: Layout) {
    this.#control = control;
    this.#capacity = layout.capacity;
    this.#stride = layout.stride;
    this.#head = Atomics.load(control, Word.HEAD);
    this.#seen = this.#head;
  }

  get depth(): number {
    return depthOf(this.#control, this.#capacity);
  }

  claim(want: number): number {
    for (let passed = 0; passed < this.#capacity; ) {
      const index = this.#head & (this.#capacity - 1);
      const most = Math.min(want, this.#capacity - index);
      const known = (this.#seen - this.#head) | 0;
      this.offset = HEADER_BYTES + index * this.#stride + CELL_BYTES;
      if (known >= most) return most;
      const more = this.#look(index + known, most - known);
      if (more >= 0) this.#seen = (this.#seen + more) | 0;
      if (more >= 0 || known > 0) return known + Math.max(more, 0);
      passed -= more; // empty cells: no records
      this.release(-more);
      this.#seen = this.#head;
    }
    return 0;
  }

  release(count: number): void {
    this.#head = (this.#head + count) | 0;
    Atomics.store(this.#control, Word.HEAD, this.#head);
  }

  /** Published cells behind those that are known, from the cell `index` on. */
  #look(index: number, most: number): number {
    const step = this.#stride >> 2;
    const word = (HEADER_BYTES >> 2) + index * step;
    const published = (this.#seen + 1) | 0;
    const count = countRuns(this.#control, word, step, published, most, this.#capacity - index);
    if (count !== 0) return count;
    // A cell that is not published holds what it was made with, or its number of the last round; or it is by now.
    const behind = (published - Atomics.load(this.#control, word)) | 0;
    if (behind === 0 || behind === 1 || behind === this.#capacity) return 0;
    throw corrupt("a sequence number", (published - behind) | 0);
  }
}

/** Publish the first `count` of `claimed` cells in a row from position `position` on, and give the others up as empty. */
export function publishCells(
  control: Int32Array,
  first: number,
  step: number,
  position: number,
  count: number,
  claimed: number,
): void {
  const sequence = (position + 1) | 0;
  if (count < claimed) storeRun(control, first + count * step, step, (sequence + count) | 0, count - claimed);
  if (count > 0) storeRun(control, first, step, sequence, count);
}

/** Positions between HEAD and TAIL; between two looks at them, threads may go on. */
export function depthOf(control: Int32Array, capacity: number): number {
  const head = Atomics.load(control, Word.HEAD);
  return Math.min(Math.max(0, (Atomics.load(control, Word.TAIL) - head) | 0), capacity);
}
