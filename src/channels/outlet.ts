import { StreamError } from "../core/errors.ts";
import type { ByteProducer } from "./byte-ring.ts";
import { copyIn } from "./copy.ts";
import type { CodedFormat, FixedFormat, RecordMemory } from "./format.ts";
import { LENGTH_BYTES } from "./layout.ts";
import type { SlotProducer } from "./ring.ts";

/** Puts messages into a ring: what a format and a ring make together. */
export interface Outlet<T> {
  /** @returns false when the ring is full: nothing was put. Throws what the format throws. */
  put(value: T): boolean;
  /**
   * Put as many of `values` as there is room for, and let receivers see them. When the format throws, those in front of
   * the message that it refused were put.
   * @returns the index of the first that was not.
   */
  putAll(values: readonly T[], from: number): number;
  /** What is in the ring, by a fresh look. */
  readonly depth: number;
}

/** So many messages are encoded before places for them are claimed. */
const BATCH = 64;

/** Writes messages of one size in place. */
export class FixedOutlet<T> implements Outlet<T> {
  readonly #producer: SlotProducer;
  readonly #format: FixedFormat<T>;
  readonly #memory: RecordMemory;
  readonly #stride: number;

  constructor(producer: SlotProducer, format: FixedFormat<T>, memory: RecordMemory, stride: number) {
    this.#producer = producer;
    this.#format = format;
    this.#memory = memory;
    this.#stride = stride;
  }

  get depth(): number {
    return this.#producer.depth;
  }

  put(value: T): boolean {
    const producer = this.#producer;
    if (producer.claim(1) === 0) return false;
    let written = 0;
    try {
      this.#format.write(this.#memory, producer.offset, value);
      written = 1;
    } finally {
      producer.publish(written); // what was claimed must be published, also when the format has thrown
    }
    return true;
  }

  putAll(values: readonly T[], from: number): number {
    const producer = this.#producer;
    let next = from;
    while (next < values.length) {
      const count = producer.claim(values.length - next);
      if (count === 0) break;
      let at = producer.offset;
      let written = 0;
      try {
        for (; written < count; written++) {
          this.#format.write(this.#memory, at, values[next + written] as T);
          at += this.#stride;
        }
      } finally {
        producer.publish(written);
      }
      next += count;
    }
    return next;
  }
}

/** Writes the bytes of a codec into slots, behind their length. */
export class CodedOutlet<T> implements Outlet<T> {
  readonly #producer: SlotProducer;
  readonly #format: CodedFormat<T>;
  readonly #memory: RecordMemory;
  readonly #stride: number;

  constructor(producer: SlotProducer, format: CodedFormat<T>, memory: RecordMemory, stride: number) {
    this.#producer = producer;
    this.#format = format;
    this.#memory = memory;
    this.#stride = stride;
  }

  get depth(): number {
    return this.#producer.depth;
  }

  put(value: T): boolean {
    const payload = encode(this.#format, value);
    if (this.#producer.claim(1) === 0) return false;
    this.#write(this.#producer.offset, payload);
    this.#producer.publish(1);
    return true;
  }

  putAll(values: readonly T[], from: number): number {
    let next = from;
    while (next < values.length) {
      // All of a chunk are encoded first: nothing may fail between a claim and its publication.
      const { payloads, error } = this.#encodeSome(values, next);
      for (let done = 0; done < payloads.length; ) {
        const count = this.#producer.claim(payloads.length - done);
        if (count === 0) return next;
        for (let i = 0; i < count; i++) {
          this.#write(this.#producer.offset + i * this.#stride, payloads[done + i] as Uint8Array);
        }
        this.#producer.publish(count);
        done += count;
        next += count;
      }
      if (error !== undefined) throw error.cause;
    }
    return next;
  }

  #encodeSome(values: readonly T[], from: number) {
    const payloads: Uint8Array[] = [];
    const end = Math.min(values.length, from + BATCH);
    try {
      for (let i = from; i < end; i++) payloads.push(encode(this.#format, values[i] as T));
    } catch (cause) {
      return { payloads, error: { cause } };
    }
    return { payloads, error: undefined };
  }

  #write(at: number, payload: Uint8Array): void {
    this.#memory.i32[at >> 2] = payload.length;
    copyIn(this.#memory.u8, at + LENGTH_BYTES, payload);
  }
}

/** Writes the bytes of a codec into a ring of bytes. */
export class ByteOutlet<T> implements Outlet<T> {
  readonly #producer: ByteProducer;
  readonly #format: CodedFormat<T>;
  readonly #memory: RecordMemory;

  constructor(producer: ByteProducer, format: CodedFormat<T>, memory: RecordMemory) {
    this.#producer = producer;
    this.#format = format;
    this.#memory = memory;
  }

  get depth(): number {
    return this.#producer.depth;
  }

  put(value: T): boolean {
    const put = this.#claimAndWrite(value);
    if (put) this.#producer.publish();
    return put;
  }

  putAll(values: readonly T[], from: number): number {
    let next = from;
    try {
      while (next < values.length && this.#claimAndWrite(values[next] as T)) next++;
    } finally {
      if (next > from) this.#producer.publish();
    }
    return next;
  }

  #claimAndWrite(value: T): boolean {
    const payload = encode(this.#format, value);
    const at = this.#producer.claim(payload.length);
    if (at < 0) return false;
    copyIn(this.#memory.u8, at, payload);
    return true;
  }
}

function encode<T>({ codec, maxBytes }: CodedFormat<T>, value: T): Uint8Array {
  const payload = codec.encode(value);
  if (payload.length <= maxBytes) return payload;
  throw new StreamError(
    "ERR_MESSAGE_TOO_LARGE",
    `Cannot send ${payload.length} bytes: messages here have at most ${maxBytes}`,
  );
}
