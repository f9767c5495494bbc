import type { RecordMemory } from "./format.ts";

/**
 * Slots of the ring, lent to the caller: written or read where they are, without a copy. Views of them end with the
 * lease. Only one lease of an end is out at a time, and nothing else is sent or received by that end meanwhile.
 */
export interface Lease {
  /** The memory of the channel. */
  readonly memory: RecordMemory;
  /** Byte offset of the first slot, a multiple of 8 in a channel of fixed messages. */
  readonly at: number;
  /** Distance of two slots, bytes. */
  readonly stride: number;
  /** How many slots are lent; they lie in a row. */
  readonly count: number;
  /** The bytes of one record: a view of shared memory. */
  bytes(index: number): Uint8Array;
}

/** Slots to read. They go back when the lease is disposed. */
export interface ReceiveLease extends Lease, Disposable {}

/** Slots to write. Disposed without {@link send}, nothing is sent. */
export interface SendLease extends Lease, Disposable {
  /** Let receivers see the first `count` slots, all of them by default, and end the lease. */
  send(count?: number): void;
}

/** What ends a lease. */
type Finish = (count: number) => void;

/** A lease of either side. */
export class SlotLease implements SendLease {
  readonly memory: RecordMemory;
  readonly at: number;
  readonly stride: number;
  readonly count: number;
  readonly #lengthOf: (index: number) => number;
  #finish: Finish | undefined;

  constructor(
    memory: RecordMemory,
    at: number,
    stride: number,
    count: number,
    lengthOf: (index: number) => number,
    finish: Finish,
  ) {
    this.memory = memory;
    this.at = at;
    this.stride = stride;
    this.count = count;
    this.#lengthOf = lengthOf;
    this.#finish = finish;
  }

  bytes(index: number): Uint8Array {
    if (!(index >= 0 && index < this.count))
      throw new RangeError(`Cannot read slot ${index} of ${this.count}`);
    const start = this.at + index * this.stride;
    return this.memory.u8.subarray(start, start + this.#lengthOf(index));
  }

  send(count: number = this.count): void {
    if (!(count >= 0 && count <= this.count))
      throw new RangeError(`Cannot send ${count} of ${this.count} slots`);
    const finish = this.#finish;
    this.#finish = undefined;
    finish?.(count);
  }

  [Symbol.dispose](): void {
    this.send(0);
  }
}
