import { ProtocolError, StateError, StreamError, TransportError } from "../core/errors.ts";
import { type Abortable, abortable } from "./abort.ts";
import type { RecordMemory } from "./format.ts";
import type { Layout } from "./layout.ts";
import { type SendLease, SlotLease } from "./lease.ts";
import type { Outlet } from "./outlet.ts";
import type { SlotProducer } from "./ring.ts";
import type { ChannelState } from "./state.ts";
import type { ChannelStats } from "./stats.ts";
import { AsyncWait, type BlockingOptions, BlockingWait, type Doorbell, type Timers } from "./wait.ts";

/** What an end of a channel is made of. */
export interface EndParts {
  readonly state: ChannelState;
  readonly layout: Layout;
  readonly memory: RecordMemory;
  readonly timers: Timers;
  readonly doorbell: Doorbell | undefined;
}

/** A sender looks how full the ring is at each message of so many, at each batch, and when it is full. */
const LOOK_EVERY = 16;

/** A promise that is kept already. */
const DONE: Promise<void> = Promise.resolve();

/**
 * Sending end of a channel, used by one thread. The words are those of streams: `trySend` says whether there was room,
 * `send` waits for it; `sendBlocking` waits where a thread may block.
 */
export class ChannelSender<T> {
  readonly #parts: EndParts;
  readonly #state: ChannelState;
  readonly #outlet: Outlet<T>;
  /** The ring, where its slots can be lent. */
  readonly #slots: SlotProducer | undefined;
  readonly #waiting: AsyncWait;
  readonly #blocking: BlockingWait;
  #sent = 0;
  #sendErrors = 0;
  #highWater = 0;
  #untilLook = 0;
  #isLent = false;
  #isClosed = false;

  constructor(parts: EndParts, outlet: Outlet<T>, slots: SlotProducer | undefined) {
    this.#parts = parts;
    this.#state = parts.state;
    this.#outlet = outlet;
    this.#slots = slots;
    this.#waiting = new AsyncWait(parts.state.space, parts.timers, parts.doorbell, true);
    this.#blocking = new BlockingWait(parts.state.space, parts.timers);
  }

  /**
   * Send a message if there is room.
   * @returns false when the ring is full, or others wait for room already: nothing was sent.
   * @throws {StateError} after {@link close}, or while a lease is out.
   * @throws {StreamError} when all receivers are closed, or the message is too long.
   * @throws {WireError} `ERR_PEER_GONE` when a thread of the channel has ended, `ERR_PROTOCOL` when one wrote garbage.
   */
  trySend(value: T): boolean {
    if (this.#waiting.length === 0 && this.#put(value)) return true;
    this.#sendErrors++;
    return false;
  }

  /**
   * Send as many messages as there is room for; receivers are woken once. Throws as {@link trySend} does; when a message
   * is refused, those in front of it were sent.
   * @param from - index of the first
   * @returns the index of the first that was not sent: the length of `values` when all were.
   */
  trySendBatch(values: readonly T[], from = 0): number {
    const next = this.#waiting.length === 0 ? this.#putAll(values, from) : from;
    if (next < values.length) this.#sendErrors++;
    return next;
  }

  /** Send a message, and wait for room first where there is none. Messages go in the order of the calls. */
  send(value: T, options?: Abortable): Promise<void> {
    return this.#whenRoom(() => this.#put(value), options);
  }

  /** Send messages in their order, waiting for room as often as it takes. */
  sendBatch(values: readonly T[], options?: Abortable): Promise<void> {
    let next = 0;
    return this.#whenRoom(() => {
      next = this.#putAll(values, next);
      return next === values.length;
    }, options);
  }

  /**
   * Send a message, and block the thread until there is room. Throws as {@link trySend} does.
   * @throws {TransportError} `ERR_TIMEOUT` after `timeoutMs`.
   * @throws {TypeError} where a thread may not block: in a page.
   */
  sendBlocking(value: T, options: BlockingOptions = {}): void {
    this.#block(() => this.#put(value), options);
  }

  /** Send messages in their order, blocking the thread as often as it takes. */
  sendBatchBlocking(values: readonly T[], options: BlockingOptions = {}): void {
    let next = 0;
    this.#block(() => {
      next = this.#putAll(values, next);
      return next === values.length;
    }, options);
  }

  /**
   * Slots to write in place, without a copy and without an object for each message. Only in channels of fixed messages.
   * @param want - how many; the lease may have fewer, near the end of the ring
   * @returns `undefined` when the ring is full.
   */
  tryLease(want: number): SendLease | undefined {
    const producer = this.#slots;
    if (producer === undefined) throw new StateError("Cannot lend slots: messages here have no fixed size");
    if (!(want >= 1)) throw new RangeError(`Cannot lend ${want} slots`);
    this.#assertOpen();
    const count = this.#guard(() => (this.#waiting.length > 0 ? 0 : producer.claim(want)));
    if (count === 0) {
      this.#sendErrors++;
      return undefined;
    }
    this.#isLent = true;
    const { memory } = this.#parts;
    const { stride, slotBytes } = this.#parts.layout;
    return new SlotLease(
      memory,
      producer.offset,
      stride,
      count,
      () => slotBytes,
      (written) => {
        this.#isLent = false;
        producer.publish(written);
        this.#published(written);
      },
    );
  }

  /** Send no more. Receivers end when the last sender has done so and the ring is empty. What waits for room is refused. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#state.close("sender");
    this.#waiting.pump();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** What this end has done, and what is in the ring. */
  stats(): ChannelStats {
    return {
      sent: this.#sent,
      sendErrors: this.#sendErrors,
      received: 0,
      waits: this.#waiting.sleeps + this.#blocking.sleeps,
      depth: this.#guard(() => this.#outlet.depth),
      highWater: this.#state.highWater,
      capacity: this.#parts.layout.capacity,
    };
  }

  #put(value: T): boolean {
    this.#assertOpen();
    try {
      if (this.#outlet.put(value)) {
        this.#published(1);
        return true;
      }
      this.#noteDepth();
      return false;
    } catch (error) {
      throw this.#failed(error);
    }
  }

  #putAll(values: readonly T[], from: number): number {
    this.#assertOpen();
    const next = this.#guard(() => this.#outlet.putAll(values, from));
    if (next > from) this.#published(next - from);
    if (next < values.length) this.#noteDepth();
    return next;
  }

  #published(count: number): void {
    this.#sent += count;
    if (--this.#untilLook <= 0 || count > 1) this.#noteDepth();
    if (this.#state.data.isWanted) this.#state.data.ring();
  }

  #noteDepth(): void {
    this.#untilLook = LOOK_EVERY;
    const { depth } = this.#outlet;
    if (depth <= this.#highWater) return;
    this.#highWater = depth;
    this.#state.raiseHighWater(depth);
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new StateError("Cannot send: this end was closed");
    if (this.#isLent) throw new StateError("Cannot send: a lease is out");
    if (!this.#state.isOver) return;
    throw this.#state.failure ?? new StreamError("ERR_CANCELLED", "Cannot send: all receivers were closed");
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

  #whenRoom(attempt: () => boolean, options: Abortable | undefined): Promise<void> {
    try {
      if (this.#waiting.length === 0 && attempt()) return DONE;
    } catch (error) {
      return Promise.reject(error);
    }
    return abortable<void>(this.#waiting, () => (attempt() ? { value: undefined } : undefined), options);
  }

  #block(attempt: () => boolean, options: BlockingOptions): void {
    if (this.#waiting.length > 0) throw new StateError("Cannot block: other messages wait for room");
    const done = this.#blocking.until(() => (attempt() ? true : undefined), options);
    if (done === true) return;
    throw new TransportError(`Cannot send: no room for ${options.timeoutMs} ms`, { code: "ERR_TIMEOUT" });
  }
}
