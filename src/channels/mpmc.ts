import { CELL_BYTES, corrupt, HEADER_BYTES, type Layout, Word } from "./layout.ts";
import { depthOf } from "./mpsc.ts";
import { MOST_RACES, type SlotConsumer, type SlotProducer } from "./ring.ts";

/**
 * Sending side of a ring with many senders and many receivers.
 *
 * Each cell has a sequence number that says whose turn it is, at position p of a ring of n cells:
 *
 *     p         free for the sender of position p
 *     p + 1     published, for the receiver of position p
 *     p + n     given back: free for the sender of position p + n
 *
 * Senders race for TAIL and receivers for HEAD with a compare-and-swap, one for a batch of cells in a row. Nobody takes
 * a lock. Still a thread that stands between its claim and its publication keeps others from passing that one cell.
 *
 * Source: D. Vyukov, "Bounded MPMC queue", 1024cores.net; batches are ours.
 */
export class MpmcProducer implements SlotProducer {
  offset = 0;
  readonly hasLengths = true;
  readonly #control: Int32Array;
  readonly #capacity: number;
  readonly #stride: number;
  #claimed = 0;
  #position = 0;

  constructor(control: Int32Array, layout: Layout) {
    this.#control = control;
    this.#capacity = layout.capacity;
    this.#stride = layout.stride;
  }

  get depth(): number {
    return depthOf(this.#control, this.#capacity);
  }

  claim(want: number): number {
    const control = this.#control;
    for (let lost = 0; lost < MOST_RACES; lost++) {
      const tail = Atomics.load(control, Word.TAIL);
      const index = tail & (this.#capacity - 1);
      const first = HEADER_BYTES + index * this.#stride;
      const most = Math.min(want, this.#capacity - index);
      const count = countCells(control, first >> 2, this.#stride >> 2, tail, most);
      if (count === 0) {
        const ahead = (Atomics.load(control, first >> 2) - tail) | 0;
        if (Atomics.load(control, Word.TAIL) !== tail) continue; // others went on
        if (ahead === 0) continue; // it was given back just now
        if (ahead === 1 - this.#capacity || ahead === -this.#capacity) return 0;
        throw corrupt("a sequence number", (tail + ahead) | 0);
      }
      if (Atomics.compareExchange(control, Word.TAIL, tail, (tail + count) | 0) !== tail) continue;
      this.#position = tail;
      this.#claimed = count;
      this.offset = first + CELL_BYTES;
      return count;
    }
    throw corrupt("the position of senders", Atomics.load(control, Word.TAIL));
  }

  publish(_count: number): void {
    const first = (this.offset - CELL_BYTES) >> 2;
    storeCells(this.#control, first, this.#stride >> 2, (this.#position + 1) | 0, this.#claimed);
  }
}

/** Receiving side of a ring with many senders and many receivers. See {@link MpmcProducer}. */
export class MpmcConsumer implements SlotConsumer {
  offset = 0;
  readonly hasLengths = true;
  readonly #control: Int32Array;
  readonly #capacity: number;
  readonly #stride: number;
  #claimed = 0;
  #position = 0;

  constructor(control: Int32Array, layout: Layout) {
    this.#control = control;
    this.#capacity = layout.capacity;
    this.#stride = layout.stride;
  }

  get depth(): number {
    return depthOf(this.#control, this.#capacity);
  }

  claim(want: number): number {
    const control = this.#control;
    for (let lost = 0; lost < MOST_RACES; lost++) {
      const head = Atomics.load(control, Word.HEAD);
      const index = head & (this.#capacity - 1);
      const first = HEADER_BYTES + index * this.#stride;
      const most = Math.min(want, this.#capacity - index);
      const count = countCells(control, first >> 2, this.#stride >> 2, (head + 1) | 0, most);
      if (count === 0) {
        const ahead = (Atomics.load(control, first >> 2) - head) | 0;
        if (Atomics.load(control, Word.HEAD) !== head) continue; // others went on
        if (ahead === 1) continue; // it was published just now
        if (ahead === 0 || ahead === 1 - this.#capacity) return 0;
        throw corrupt("a sequence number", (head + ahead) | 0);
      }
      if (Atomics.compareExchange(control, Word.HEAD, head, (head + count) | 0) !== head) continue;
      this.#position = head;
      this.#claimed = count;
      this.offset = first + CELL_BYTES;
      return count;
    }
    throw corrupt("the position of receivers", Atomics.load(control, Word.HEAD));
  }

  release(_count: number): void {
    const first = (this.offset - CELL_BYTES) >> 2;
    storeCells(this.#control, first, this.#stride >> 2, (this.#position + this.#capacity) | 0, this.#claimed);
  }
}

/** How many cells in a row have `sequence`, `sequence + 1` and so on, up to `most`. */
function countCells(
  control: Int32Array,
  first: number,
  step: number,
  sequence: number,
  most: number,
): number {
  let count = 0;
  let word = first;
  while (count < most && Atomics.load(control, word) === ((sequence + count) | 0)) {
    count++;
    word += step;
  }
  return count;
}

function storeCells(control: Int32Array, first: number, step: number, sequence: number, count: number): void {
  let word = first;
  for (let i = 0; i < count; i++) {
    Atomics.store(control, word, (sequence + i) | 0);
    word += step;
  }
}
