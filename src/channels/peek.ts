import type { ByteConsumer } from "./byte-ring.ts";
import type { RecordMemory } from "./format.ts";
import { corrupt } from "./layout.ts";
import { type SlotConsumer, VOID_LENGTH } from "./ring.ts";

/** Records of a ring as they lie, for leases. */
export interface RecordPeek {
  /** Byte offset of the first claimed record. */
  readonly offset: number;
  /** @returns how many records in a row are claimed, up to `want`; 0 when there is none. */
  claim(want: number): number;
  /** Length of one of them, bytes; 0 where its sender gave the slot up. */
  lengthOf(index: number): number;
  /** Give them back. */
  release(count: number): void;
}

/** Slots as they lie. */
export class SlotPeek implements RecordPeek {
  readonly #consumer: SlotConsumer;
  readonly #i32: Int32Array;
  readonly #stride: number;
  readonly #slotBytes: number;
  readonly #isCoded: boolean;

  /** @param isCoded - whether lengths count; messages of one size have it without */
  constructor(
    consumer: SlotConsumer,
    { i32 }: RecordMemory,
    { stride, slotBytes }: { readonly stride: number; readonly slotBytes: number },
    isCoded: boolean,
  ) {
    this.#consumer = consumer;
    this.#i32 = i32;
    this.#stride = stride;
    this.#slotBytes = slotBytes;
    this.#isCoded = isCoded;
  }

  get offset(): number {
    return this.#consumer.offset;
  }

  claim(want: number): number {
    return this.#consumer.claim(want);
  }

  lengthOf(index: number): number {
    if (!this.#consumer.hasLengths) return this.#slotBytes;
    const length = this.#i32[(this.#consumer.offset + index * this.#stride - 4) >> 2] as number;
    if (length === VOID_LENGTH) return 0;
    if (length < 0 || length > this.#slotBytes) throw corrupt("a length", length);
    return this.#isCoded ? length : this.#slotBytes;
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
