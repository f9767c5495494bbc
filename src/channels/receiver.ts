import { ProtocolError, StateError, TransportError } from "../core/errors.ts";
import { type Abortable, abortable } from "./abort.ts";
import { type Inlet, NOTHING } from "./inlet.ts";
import { type ReceiveLease, SlotLease } from "./lease.ts";
import type { RecordPeek } from "./peek.ts";
import type { EndParts } from "./sender.ts";
import type { ChannelState } from "./state.ts";
import type { ChannelStats } from "./stats.ts";
import { AsyncWait, type BlockingOptions, BlockingWait } from "./wait.ts";

/** Stands for the end of a channel where `undefined` may be a message. */
const END: unique symbol = Symbol("end");

/**
 * Receiving end of a channel, used by one thread. `tryReceive` says what is there, `receive` waits for it;
 * `receiveBlocking` waits where a thread may block.
 */
export class ChannelReceiver<T> implements AsyncIterable<T> {
  readonly #parts: EndParts;
  readonly #state: ChannelState;
  readonly #inlet: Inlet<T>;
  readonly #peek: RecordPeek;
  readonly #waiting: AsyncWait;
  readonly #blocking: BlockingWait;
  #received = 0;
  /** Messages until senders are looked for. */
  #untilLook = 0;
  readonly #lookEvery: number;
  #isLent = false;
  #isClosed = false;

  constructor(parts: EndParts, inlet: Inlet<T>, peek: RecordPeek) {
    this.#parts = parts;
    this.#state = parts.state;
    this.#inlet = inlet;
    this.#peek = peek;
    this.#lookEvery = parts.layout.style === "bytes" ? 1 : parts.layout.capacity >> 2;
    this.#waiting = new AsyncWait(parts.state.data, parts.timers, parts.doorbell, true);
    this.#blocking = new BlockingWait(parts.state.data, parts.timers);
  }

  /**
   * The next message, if there is one.
   * @returns `undefined` when there is none, or others wait for it already; {@link ended} tells whether one can come.
   * @throws {WireError} `ERR_PEER_GONE` when a thread of the channel has ended, `ERR_PROTOCOL` when one wrote garbage;
   *   what was sent before is received first.
   * @throws {ProtocolError} `ERR_DECODE` when the message cannot be decoded; the next one can be received.
   * @throws {StateError} while a lease is out.
   */
  tryReceive(): T | undefined {
    if (this.#waiting.length > 0) return undefined;
    const value = this.#next();
    return value === NOTHING || value === END ? undefined : value;
  }

  /**
   * Up to `most` messages that are there. Throws as {@link tryReceive} does.
   * @param into - the array that they are added to; what was received before a failure is in it
   * @returns that array; nothing was added when there is no message.
   */
  tryReceiveBatch(most: number, into: T[] = []): T[] {
    if (this.#waiting.length === 0) this.#nextBatch(into, most);
    return into;
  }

  /** The next message; `undefined` after the last one. Throws as {@link tryReceive} does. */
  receive(options?: Abortable): Promise<T | undefined> {
    return this.#receiveOr(undefined, options);
  }

  /** At least one and up to `most` messages; none after the last one. Throws as {@link tryReceive} does. */
  receiveBatch(most: number, options?: Abortable): Promise<T[]> {
    const attempt = () => this.#tryBatch(most);
    return this.#whenReady(attempt, options);
  }

  /**
   * The next message; blocks the thread until there is one. Throws as {@link tryReceive} does.
   * @returns `undefined` after the last one.
   * @throws {TransportError} `ERR_TIMEOUT` after `timeoutMs`.
   * @throws {TypeError} where a thread may not block: in a page.
   */
  receiveBlocking(options: BlockingOptions = {}): T | undefined {
    const found = this.#block(() => this.#tryOne(undefined), options);
    return found.value;
  }

  /** At least one and up to `most` messages, none after the last one; blocks the thread until there is one. */
  receiveBatchBlocking(most: number, options: BlockingOptions = {}): T[] {
    return this.#block(() => this.#tryBatch(most), options).value;
  }

  /**
   * Records to read where they lie, without a copy: numbers of fixed messages, or the bytes that a codec has made.
   * @param want - how many; the lease may have fewer
   * @returns `undefined` when there is none. Throws as {@link tryReceive} does.
   */
  tryLease(want: number): ReceiveLease | undefined {
    if (!(want >= 1)) throw new RangeError(`Cannot lend ${want} slots`);
    this.#assertFree();
    this.#assertSound();
    if (this.#waiting.length > 0 || this.#isClosed) return undefined;
    let count = this.#guard(() => this.#peek.claim(want));
    if (count === 0) {
      const { failure } = this.#state;
      if (failure === undefined) return undefined;
      count = this.#guard(() => this.#peek.claim(want));
      if (count === 0) throw failure;
    }
    this.#isLent = true;
    const peek = this.#peek;
    const lengthOf = (index: number) => this.#guard(() => peek.lengthOf(index));
    return new SlotLease(this.#parts.memory, peek.offset, this.#parts.layout.stride, count, lengthOf, () => {
      this.#isLent = false;
      peek.release(count);
      this.#released(count);
    });
  }

  /** Whether nothing can come any more: all senders are closed and the ring is empty, or this end was closed. */
  get ended(): boolean {
    return this.#isClosed || (this.#state.sendersClosed && this.#guard(() => this.#inlet.depth) === 0);
  }

  /** Messages up to the last one. Leaving the loop early closes this end. */
  [Symbol.asyncIterator](): AsyncIterator<T, void, undefined> {
    const over: IteratorResult<T, void> = { done: true, value: undefined };
    return {
      next: () =>
        this.#receiveOr<typeof END>(END, undefined).then((value) =>
          value === END ? over : { done: false, value: value as T },
        ),
      return: () => {
        this.close();
        return Promise.resolve(over);
      },
    };
  }

  /** Receive no more. Senders are refused when the last receiver has done so. What waits for a message ends. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#state.close("receiver");
    this.#waiting.pump();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** What this end has done, and what is in the ring. */
  stats(): ChannelStats {
    return {
      sent: 0,
      sendErrors: 0,
      received: this.#received,
      waits: this.#waiting.sleeps + this.#blocking.sleeps,
      depth: this.#guard(() => this.#inlet.depth),
      highWater: this.#state.highWater,
      capacity: this.#parts.layout.capacity,
    };
  }

  #next(): T | typeof NOTHING | typeof END {
    if (this.#state.isOver) this.#assertSound();
    const value = this.#take();
    if (value !== NOTHING) return value;
    if (this.#isClosed) return END;
    this.#wakeSenders();
    // Whoever closed or failed did so after its last record: look again before it counts.
    const { failure } = this.#state;
    const closed = this.#state.sendersClosed;
    if (failure === undefined && !closed) return NOTHING;
    const last = this.#take();
    if (last !== NOTHING) return last;
    if (failure !== undefined) throw failure;
    return this.#guard(() => this.#inlet.depth) === 0 ? END : NOTHING;
  }

  #take(): T | typeof NOTHING {
    this.#assertFree();
    if (this.#isClosed) return NOTHING;
    let value: T | typeof NOTHING;
    try {
      value = this.#inlet.take();
    } catch (error) {
      throw this.#failed(error);
    }
    if (value !== NOTHING) this.#released(1);
    return value;
  }

  /** @returns false when nothing was added and nothing can come any more. */
  #nextBatch(into: T[], most: number): boolean {
    if (!(most >= 1)) throw new RangeError(`Cannot receive ${most} messages`);
    const first = this.#next();
    if (first === END) return false;
    if (first === NOTHING) return true;
    into.push(first);
    const count = most > 1 ? this.#guard(() => this.#inlet.takeAll(into, most - 1)) : 0;
    if (count > 0) this.#released(count);
    return true;
  }

  #tryOne<E>(end: E): { readonly value: T | E } | undefined {
    const value = this.#next();
    if (value === NOTHING) return undefined;
    return { value: value === END ? end : value };
  }

  #tryBatch(most: number): { readonly value: T[] } | undefined {
    const value: T[] = [];
    return this.#nextBatch(value, most) && value.length === 0 ? undefined : { value };
  }

  #released(count: number): void {
    this.#received += count;
    this.#untilLook -= count;
    if (this.#untilLook <= 0) this.#wakeSenders();
  }

  /**
   * Senders that sleep are woken when half the ring is free: not for each place of a full one. A receiver looks for
   * them when it has taken a quarter of the ring, and when there is nothing to take.
   */
  #wakeSenders(): void {
    this.#untilLook = this.#lookEvery;
    if (this.#state.space.isWanted && this.#inlet.depth * 2 <= this.#parts.layout.capacity)
      this.#state.space.ring();
  }

  /** Nothing is read any more where control words hold garbage. */
  #assertSound(): void {
    const { failure } = this.#state;
    if (failure instanceof ProtocolError) throw failure;
  }

  #assertFree(): void {
    if (this.#isLent) throw new StateError("Cannot receive: a lease is out");
  }

  #guard<R>(run: () => R): R {
    try {
      return run();
    } catch (error) {
      throw this.#failed(error);
    }
  }

  /** Garbage in the control words ends the channel for all. */
  #failed(error: unknown): unknown {
    if (error instanceof ProtocolError && error.code === "ERR_PROTOCOL") this.#state.fail("ERR_PROTOCOL");
    return error;
  }

  #receiveOr<E>(end: E, options: Abortable | undefined): Promise<T | E> {
    return this.#whenReady(() => this.#tryOne(end), options);
  }

  #whenReady<R>(
    attempt: () => { readonly value: R } | undefined,
    options: Abortable | undefined,
  ): Promise<R> {
    try {
      const found = this.#waiting.length === 0 ? attempt() : undefined;
      if (found !== undefined) return Promise.resolve(found.value);
    } catch (error) {
      return Promise.reject(error);
    }
    return abortable(this.#waiting, attempt, options);
  }

  #block<R>(
    attempt: () => { readonly value: R } | undefined,
    options: BlockingOptions,
  ): { readonly value: R } {
    if (this.#waiting.length > 0) throw new StateError("Cannot block: others wait for messages");
    const found = this.#blocking.until(attempt, options);
    if (found !== undefined) return found;
    throw new TransportError(`Cannot receive: nothing for ${options.timeoutMs} ms`, { code: "ERR_TIMEOUT" });
  }
}
