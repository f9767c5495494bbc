import { CELL_BYTES, corrupt, HEADER_BYTES, type Layout, Word } from "./layout.ts";
import { depthOf, publishCells } from "./mpsc.ts";
import { MOST_RACES, type SlotConsumer, type SlotProducer } from "./ring.ts";
import { countRuns, storeRun } from "./runs.ts";

/**
 * Sending side of a ring with many senders and many receivers.
 *
 * Each cell has a sequence number that says whose turn it is, at position p of a ring of n cells:
 *
 *     p         free for the sender of position p
 *     p + 1     published, for the receiver of position p
 *     p + n     given back: free for the sender of position p + n
 *
 * Senders race for TAIL and receivers for HEAD with a compare-and-swap, one for a batch of cells in a row. A batch is
 * published as a run, with one store, and given back as one. Nobody takes a lock. Still a thread that stands between its
 * claim and its publication keeps others from passing that one cell.
 *
 * Source: D. Vyukov, "Bounded MPMC queue", 1024cores.net; runs are ours.
 */
export class MpmcProducer implements SlotProducer {
  offset = 0;
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
      const count = countRuns(control, first >> 2, this.#stride >> 2, tail, want, this.#capacity - index);
      if (count <= 0) {
        const ahead = (Atomics.load(control, first >> 2) - tail) | 0;
        if (Atomics.load(control, Word.TAIL) !== tail) continue; // others went on
        if (ahead === 0 && count === 0) continue; // it was given back just now
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

  publish(count: number): void {
    const first = (this.offset - CELL_BYTES) >> 2;
    publishCells(this.#control, first, this.#stride >> 2, this.#position, count, this.#claimed);
  }
}

/** Receiving side of a ring with many senders and many receivers. See {@link MpmcProducer}. */
export class MpmcConsumer implements SlotConsumer {
  offset = 0;
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
      const run = countRuns(
        control,
        first >> 2,
        this.#stride >> 2,
        (head + 1) | 0,
        want,
        this.#capacity - index,
      );
      if (run === 0) {
        const ahead = (Atomics.load(control, first >> 2) - head) | 0;
        if (Atomics.load(control, Word.HEAD) !== head) continue; // others went on
        if (ahead === 1) continue; // it was published just now
        if (ahead === 0 || ahead === 1 - this.#capacity) return 0;
        throw corrupt("a sequence number", (head + ahead) | 0);
      }
      const count = Math.abs(run);
      if (Atomics.compareExchange(control, Word.HEAD, head, (head + count) | 0) !== head) continue;
      this.#position = head;
      this.#claimed = count;
      this.offset = first + CELL_BYTES;
      if (run > 0) return count;
      this.release(count); // empty cells: nobody's records
      lost = 0;
    }
    throw corrupt("the position of receivers", Atomics.load(control, Word.HEAD));
  }

  release(_count: number): void {
    const first = (this.offset - CELL_BYTES) >> 2;
    storeRun(this.#control, first, this.#stride >> 2, (this.#position + this.#capacity) | 0, this.#claimed);
  }
}
