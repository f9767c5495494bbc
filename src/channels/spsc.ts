import { corrupt, HEADER_BYTES, type Layout, Word } from "./layout.ts";
import type { SlotConsumer, SlotProducer } from "./ring.ts";

/**
 * Sending side of a ring with one sender and one receiver: wait-free, a claim and a publication are a bounded number
 * of steps whatever the other thread does.
 *
 * Lamport's queue with free-running positions. The sender keeps its own position and the last one that it saw of the
 * receiver, and looks again only when the ring seems full; it publishes a batch with one store.
 *
 * Source: L. Lamport, "Proving the Correctness of Multiprocess Programs", 1977; the kept opposite position and the
 * batches are those of P. Lee, T. Bu, G. Chandranmenon, "A lock-free, cache-efficient shared ring buffer", 2009.
 */
export class SpscProducer implements SlotProducer {
  offset = 0;
  readonly #control: Int32Array;
  readonly #capacity: number;
  readonly #stride: number;
  #tail: number;
  #seenHead: number;

  constructor(control: Int32Array, layout: Layout) {
    this.#control = control;
    this.#capacity = layout.capacity;
    this.#stride = layout.stride;
    this.#tail = Atomics.load(control, Word.TAIL);
    this.#seenHead = this.#tail;
    this.#look(); // an end that was opened after another one goes on where that stopped
  }

  get depth(): number {
    return (this.#tail - this.#look()) | 0;
  }

  claim(want: number): number {
    const tail = this.#tail;
    let free = this.#capacity - ((tail - this.#seenHead) | 0);
    if (free < want) free = this.#capacity - ((tail - this.#look()) | 0);
    const index = tail & (this.#capacity - 1);
    this.offset = HEADER_BYTES + index * this.#stride;
    const untilEnd = this.#capacity - index;
    const count = free < want ? free : want;
    return count < untilEnd ? count : untilEnd;
  }

  publish(count: number): void {
    this.#tail = (this.#tail + count) | 0;
    Atomics.store(this.#control, Word.TAIL, this.#tail);
  }

  /** The receiver's position, checked: no more than a ring behind, and not in front. */
  #look(): number {
    const head = Atomics.load(this.#control, Word.HEAD);
    const used = (this.#tail - head) | 0;
    if (used < 0 || used > this.#capacity) throw corrupt("the receiver's position", head);
    this.#seenHead = head;
    return head;
  }
}

/** Receiving side of a ring with one sender and one receiver. See {@link SpscProducer}. */
export class SpscConsumer implements SlotConsumer {
  offset = 0;
  readonly #control: Int32Array;
  readonly #capacity: number;
  readonly #stride: number;
  #head: number;
  #seenTail: number;

  constructor(control: Int32Array, layout: Layout) {
    this.#control = control;
    this.#capacity = layout.capacity;
    this.#stride = layout.stride;
    this.#head = Atomics.load(control, Word.HEAD);
    this.#seenTail = this.#head;
    this.#look();
  }

  get depth(): number {
    return (this.#look() - this.#head) | 0;
  }

  claim(want: number): number {
    const head = this.#head;
    let ready = (this.#seenTail - head) | 0;
    if (ready < want) ready = (this.#look() - head) | 0;
    const index = head & (this.#capacity - 1);
    this.offset = HEADER_BYTES + index * this.#stride;
    const untilEnd = this.#capacity - index;
    const count = ready < want ? ready : want;
    return count < untilEnd ? count : untilEnd;
  }

  release(count: number): void {
    this.#head = (this.#head + count) | 0;
    Atomics.store(this.#control, Word.HEAD, this.#head);
  }

  #look(): number {
    const tail = Atomics.load(this.#control, Word.TAIL);
    const ready = (tail - this.#head) | 0;
    if (ready < 0 || ready > this.#capacity) throw corrupt("the sender's position", tail);
    this.#seenTail = tail;
    return tail;
  }
}
