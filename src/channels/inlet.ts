import type { Bytes } from "../core/bytes.ts";
import type { ByteConsumer } from "./byte-ring.ts";
import { copyOut } from "./copy.ts";
import type { CodedFormat, FixedFormat, RecordMemory } from "./format.ts";
import { corrupt, LENGTH_BYTES } from "./layout.ts";
import type { SlotConsumer } from "./ring.ts";

/** What {@link Inlet.take} gives when there is no message. */
export const NOTHING: unique symbol = Symbol("nothing");

/** Takes messages out of a ring: what a format and a ring make together. */
export interface Inlet<T> {
  /** The next message. Throws what the format throws: that message is gone then. */
  take(): T | typeof NOTHING;
  /**
   * Take up to `most` messages into an array. When the format throws, those in front of the message that it refused
   * are in the array.
   * @returns how many were added.
   */
  takeAll(into: T[], most: number): number;
  /** What is in the ring, by a fresh look. */
  readonly depth: number;
}

/** Reads messages of one size where they lie. */
export class FixedInlet<T> implements Inlet<T> {
  readonly #consumer: SlotConsumer;
  readonly #format: FixedFormat<T>;
  readonly #memory: RecordMemory;
  readonly #stride: number;

  constructor(consumer: SlotConsumer, format: FixedFormat<T>, memory: RecordMemory, stride: number) {
    this.#consumer = consumer;
    this.#format = format;
    this.#memory = memory;
    this.#stride = stride;
  }

  get depth(): number {
    return this.#consumer.depth;
  }

  take(): T | typeof NOTHING {
    const consumer = this.#consumer;
    if (consumer.claim(1) === 0) return NOTHING;
    try {
      return this.#format.read(this.#memory, consumer.offset);
    } finally {
      consumer.release(1);
    }
  }

  takeAll(into: T[], most: number): number {
    const before = into.length;
    for (let left = most; left > 0; left = most - (into.length - before)) {
      const count = this.#consumer.claim(left);
      if (count === 0) break;
      let at = this.#consumer.offset;
      try {
        for (let i = 0; i < count; i++) {
          into.push(this.#format.read(this.#memory, at));
          at += this.#stride;
        }
      } finally {
        this.#consumer.release(count);
      }
    }
    return into.length - before;
  }
}

/** Reads the length of slots, and decodes a copy of their bytes. */
export class CodedInlet<T> implements Inlet<T> {
  readonly #consumer: SlotConsumer;
  readonly #format: CodedFormat<T>;
  readonly #memory: RecordMemory;
  readonly #stride: number;

  constructor(consumer: SlotConsumer, format: CodedFormat<T>, memory: RecordMemory, stride: number) {
    this.#consumer = consumer;
    this.#format = format;
    this.#memory = memory;
    this.#stride = stride;
  }

  get depth(): number {
    return this.#consumer.depth;
  }

  take(): T | typeof NOTHING {
    if (this.#consumer.claim(1) === 0) return NOTHING;
    const bytes = this.#copy(0);
    this.#consumer.release(1);
    return this.#format.codec.decode(bytes);
  }

  takeAll(into: T[], most: number): number {
    const before = into.length;
    for (let left = most; left > 0; left = most - (into.length - before)) {
      const count = this.#consumer.claim(left);
      if (count === 0) break;
      try {
        for (let i = 0; i < count; i++) into.push(this.#format.codec.decode(this.#copy(i)));
      } finally {
        this.#consumer.release(count);
      }
    }
    return into.length - before;
  }

  #copy(index: number): Bytes {
    const at = this.#consumer.offset + index * this.#stride;
    return copyOut(this.#memory.u8, at + LENGTH_BYTES, lengthAt(this.#memory, at, this.#format.maxBytes));
  }
}

/** The length of a coded message in a slot, checked. Read once: a sender that is not sound may still write there. */
export function lengthAt({ i32 }: RecordMemory, at: number, maxBytes: number): number {
  const length = i32[at >> 2] as number;
  if (length < 0 || length > maxBytes) throw corrupt("a length", length);
  return length;
}

/** Reads a ring of bytes, and decodes a copy of each record. */
export class ByteInlet<T> implements Inlet<T> {
  readonly #consumer: ByteConsumer;
  readonly #format: CodedFormat<T>;
  readonly #memory: RecordMemory;

  constructor(consumer: ByteConsumer, format: CodedFormat<T>, memory: RecordMemory) {
    this.#consumer = consumer;
    this.#format = format;
    this.#memory = memory;
  }

  get depth(): number {
    return this.#consumer.depth;
  }

  take(): T | typeof NOTHING {
    const at = this.#consumer.claim();
    if (at < 0) return NOTHING;
    const bytes = copyOut(this.#memory.u8, at, this.#consumer.length);
    this.#consumer.release();
    return this.#format.codec.decode(bytes);
  }

  takeAll(into: T[], most: number): number {
    let count = 0;
    try {
      for (; count < most; count++) {
        const at = this.#consumer.claim();
        if (at < 0) break;
        into.push(this.#format.codec.decode(copyOut(this.#memory.u8, at, this.#consumer.length)));
      }
    } finally {
      this.#consumer.release();
    }
    return count;
  }
}
