import {
  ErrorCode,
  type ErrorName,
  errorName,
  ProtocolError,
  StateError,
  StreamError,
  TransportError,
  type WireError,
} from "../core/errors.ts";
import { type Layout, Word } from "./layout.ts";
import { EndCount } from "./lent.ts";
import { Bell, type Doorbell } from "./wait.ts";

/** What all ends of a channel share besides the ring: who is open, what has failed, and the bells. */
export class ChannelState {
  /** Rung when records were published; receivers sleep on it. */
  readonly data: Bell;
  /** Rung when there is room; senders sleep on it. */
  readonly space: Bell;
  readonly #control: Int32Array;
  readonly #layout: Layout;
  readonly #count: EndCount;

  /** @param ends - where the ends of this thread are counted, in a channel that was lent to it */
  constructor(control: Int32Array, layout: Layout, doorbell: Doorbell | undefined, ends?: SharedArrayBuffer) {
    this.#control = control;
    this.#layout = layout;
    this.#count = new EndCount(ends);
    this.data = new Bell(control, "receivers", doorbell);
    this.space = new Bell(control, "senders", doorbell);
  }

  /**
   * Take one of the places of an end.
   * @throws {StateError} when all of them are taken.
   */
  open(side: "sender" | "receiver"): void {
    const most = side === "sender" ? this.#layout.senders : this.#layout.receivers;
    const word = side === "sender" ? Word.SENDERS_OPENED : Word.RECEIVERS_OPENED;
    const before = Atomics.add(this.#control, word, 1);
    if (before >= 0 && before < most) {
      this.#count.opened();
      return;
    }
    Atomics.sub(this.#control, word, 1);
    throw new StateError(`Cannot open another ${side}: the channel was made for ${most}`);
  }

  /** Give a place up for good. The last sender that does ends the channel for receivers, and the other way round. */
  close(side: "sender" | "receiver"): void {
    Atomics.add(this.#control, side === "sender" ? Word.SENDERS_CLOSED : Word.RECEIVERS_CLOSED, 1);
    if (this.receiversClosed) Atomics.store(this.#control, Word.OVER, 1);
    this.#count.closed();
    this.#wakeAll();
  }

  /** Whether no more records can come. */
  get sendersClosed(): boolean {
    return Atomics.load(this.#control, Word.SENDERS_CLOSED) >= this.#layout.senders;
  }

  /** Whether nobody will take records any more. */
  get receiversClosed(): boolean {
    return Atomics.load(this.#control, Word.RECEIVERS_CLOSED) >= this.#layout.receivers;
  }

  /** Whether nothing can be sent any more. A plain read, which is enough to learn of it soon. */
  get isOver(): boolean {
    return this.#control[Word.OVER] !== 0;
  }

  /** What has ended the channel for all ends; `undefined` while nothing has. */
  get failure(): WireError | undefined {
    const code = Atomics.load(this.#control, Word.FAILURE);
    if (code === 0) return undefined;
    Atomics.store(this.#control, Word.OVER, 1); // whoever wrote the code may have ended before this
    return failureOf(errorName(code));
  }

  /** End the channel for all ends, and wake all of them. The first failure counts. */
  fail(code: ErrorName): void {
    Atomics.compareExchange(this.#control, Word.FAILURE, 0, ErrorCode[code]);
    Atomics.store(this.#control, Word.OVER, 1);
    this.#wakeAll();
  }

  /** Note how much is in the ring. */
  raiseHighWater(depth: number): void {
    for (let seen = this.highWater; depth > seen; seen = this.highWater) {
      if (Atomics.compareExchange(this.#control, Word.HIGH_WATER, seen, depth) === seen) return;
    }
  }

  /** Most that was ever in the ring. */
  get highWater(): number {
    return Atomics.load(this.#control, Word.HIGH_WATER);
  }

  #wakeAll(): void {
    this.data.ring();
    this.space.ring();
  }
}

/** What an end is told of a failure: that the other thread is gone, or has written what cannot be. */
function failureOf(code: ErrorName): WireError {
  if (code === "ERR_PEER_GONE") {
    return new TransportError("Cannot use channel: a thread at its other side has ended", { code });
  }
  if (code === "ERR_CANCELLED") return new StreamError(code, "Cannot use channel: it was abandoned");
  return new ProtocolError("ERR_PROTOCOL", "Cannot use channel: its control words hold what cannot be");
}
