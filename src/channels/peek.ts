import type { ByteConsumer } from "./byte-ring.ts";
import type { RecordMemory } from "./format.ts";
import { lengthAt } from "./inlet.ts";
import { LENGTH_BYTES } from "./layout.ts";
import type { SlotConsumer } from "./ring.ts";

/** Records of a ring as they lie, for leases. */
export interface RecordPeek {
  /** Byte offset of the first claimed record. */
  readonly offset: number;
  /** @returns how many records in a row are claimed, up to `want`; 0 when there is none. */
  claim(want: number): number;
  /** Length of one of them, bytes. */
  lengthOf(index: number): number;
  /** Give them back. */
  release(count: number): void;
}

/** Slots as they lie. */
export class SlotPeek implements RecordPeek {
  readonly #consumer: SlotConsumer;
  readonly #memory: RecordMemory;
  readonly #stride: number;
  readonly #slotBytes: number;
  readonly #isCoded: boolean;

  /** @param isCoded - whether slots begin with a length */
  constructor(
    consumer: SlotConsumer,
    memory: RecordMemory,
    { stride, slotBytes }: { readonly stride: number; readonly slotBytes: number },
    isCoded: boolean,
  ) {
    this.#consumer = consumer;
    this.#memory = memory;
    this.#stride = stride;
    this.#slotBytes = slotBytes;
    this.#isCoded = isCoded;
  }

  get offset(): number {
    return this.#isCoded ? this.#consumer.offset + LENGTH_BYTES : this.#consumer.offset;
  }

  claim(want: number): number {
    return this.#consumer.claim(want);
  }

  lengthOf(index: number): number {
    if (!this.#isCoded) return this.#slotBytes;
    const at = this.#consumer.offset + index * this.#stride;
    return lengthAt(this.#memory, at, this.#slotBytes - LENGTH_BYTES);
  }

  release(count: number): void {
    this.#consumer.release(count);
  }
}

/** One record of a ring of bytes as it lies. */
export class BytePeek implements RecordPeek {
  offset = 0;
  readonly #consumer: ByteConsumer;

  constructor(consumer: ByteConsumer) {
    this.#consumer = consumer;
  }

  claim(_want: number): number {
    const at = this.#consumer.claim();
    if (at < 0) return 0;
    this.offset = at;
    return 1;
  }

  lengthOf(_index: number): number {
    return this.#consumer.length;
  }

  release(_count: number): void {
    this.#consumer.release();
  }
}
