import type { Bytes } from "../core/bytes.ts";
import { ByteConsumer, ByteProducer } from "./byte-ring.ts";
import { copyIn, wordOffset } from "./copy.ts";
import { type RecordMemory, viewsOf } from "./format.ts";
import { bytesOf, type Layout, longestRecord, readLayout, writeLayout } from "./layout.ts";
import { ChannelState } from "./state.ts";
import { AsyncWait, nextTask, type Timers } from "./wait.ts";

const SOON: Promise<void> = Promise.resolve();

/**
 * Pieces that are shorter than this share of the ring wait for more room, unless they are the end of what is written: a
 * record that comes in one piece is copied less often behind the ring.
 */
const LEAST_PIECE = 1 / 4;

/** Longest piece that is read into memory that is used again, bytes: more than a record of a session. */
const SHARED_BYTES = 72 * 1024;

/** Bytes after which what hangs on them goes on: a peer that is granted nothing meanwhile comes to stand. */
const READ_BYTES = 64 * 1024;

/** Times that as many are read before other tasks have their turn. */
const READS_A_TASK = 8;

/** All readers of the thread read into this one; `undefined` while a piece of it is lent. */
let shared: Bytes | undefined;

/**
 * The memory of a ring that carries bytes without boundaries one way.
 * @param capacity - bytes, a power of two
 */
export function makeByteRing(capacity: number): SharedArrayBuffer {
  const layout: Layout = {
    kind: "spsc",
    style: "bytes",
    capacity,
    slotBytes: longestRecord(capacity),
    stride: 1,
    senders: 1,
    receivers: 1,
    start: 0,
  };
  const buffer = new SharedArrayBuffer(bytesOf(layout));
  writeLayout(buffer, layout);
  return buffer;
}

/** Whether memory holds such a ring. */
export function isByteRing(buffer: SharedArrayBuffer): boolean {
  try {
    return readLayout(buffer).style === "bytes";
  } catch {
    return false;
  }
}

function openRing(buffer: SharedArrayBuffer) {
  const layout = readLayout(buffer);
  const control = new Int32Array(buffer);
  return { layout, control, memory: viewsOf(buffer), state: new ChannelState(control, layout, undefined) };
}

/** Writing side of bytes without boundaries: takes what fits, and keeps the rest until there is room. */
export class LaneWriter {
  readonly #producer: ByteProducer;
  readonly #memory: RecordMemory;
  readonly #state: ChannelState;
  readonly #room: AsyncWait;
  readonly #drained: () => void;
  readonly #failed: (error: unknown) => void;
  readonly #capacity: number;
  #queue: Bytes[] = [];
  #queuedBytes = 0;
  /** Bytes of the first of the queue that are written. */
  #done = 0;
  #isStopped = false;
  /** `write` has said false since `drained` was called. */
  #mustTell = false;
  #isTelling = false;
  /** Somebody waits for room, or will in a moment. */
  #isWaiting = false;

  /**
   * @param drained - called when all that was kept back is in the ring, and half of the ring is free
   * @param failed - called when the reader has written what cannot be
   * @throws {ProtocolError} when the memory holds no such ring.
   */
  constructor(
    buffer: SharedArrayBuffer,
    timers: Timers,
    drained: () => void,
    failed: (error: unknown) => void,
  ) {
    const { layout, control, memory, state } = openRing(buffer);
    this.#producer = new ByteProducer(control, layout);
    this.#capacity = layout.capacity;
    this.#memory = memory;
    this.#state = state;
    this.#room = new AsyncWait(state.space, timers, undefined);
    this.#drained = drained;
    this.#failed = failed;
  }

  /** Bytes that the reader has not taken. */
  get bufferedBytes(): number {
    if (this.#isStopped) return 0;
    try {
      return this.#queuedBytes + this.#producer.depth;
    } catch {
      return this.#queuedBytes; // whatever writes next is told of it
    }
  }

  /** Whether all that was written is in the ring. */
  get isDrained(): boolean {
    return this.#queue.length === 0;
  }

  /**
   * Write bytes behind those before them, in one piece where there is room.
   * @param tail - goes on behind `head`
   * @returns false when some are kept back: `drained` will be called.
   */
  write(head: Bytes, tail?: Bytes): boolean {
    if (this.#isStopped) return true;
    this.#push(head);
    if (tail !== undefined) this.#push(tail);
    // Those that wait for room go first; but nobody does while `drained` is called.
    if ((!this.#isWaiting || this.#isTelling) && this.#flush()) return true;
    this.#mustTell = true;
    if (this.#isWaiting) return false;
    this.#isWaiting = true;
    SOON.then(() => this.#room.add(this.#tryDrain)); // `drained` is not called before this has said false
    return false;
  }

  #push(bytes: Bytes): void {
    if (bytes.length === 0) return;
    this.#queue.push(bytes);
    this.#queuedBytes += bytes.length;
  }

  /** Say in the ring that nothing comes after what is in it. */
  finish(): void {
    if (this.isDrained) this.#state.close("sender");
  }

  /** Forget what was kept back, and write no more. */
  stop(): void {
    this.#isStopped = true;
    this.#queue = [];
    this.#queuedBytes = 0;
    this.#room.pump();
  }

  readonly #tryDrain = (): boolean => {
    if (this.#isStopped) return true;
    if (!this.#flush() || this.bufferedBytes * 2 > this.#capacity) return false;
    this.#mustTell = false;
    this.#isTelling = true;
    this.#drained();
    this.#isTelling = false;
    this.#isWaiting = this.#mustTell;
    return !this.#isWaiting;
  };

  /** Copy as much as there is room for. @returns whether nothing is left. */
  #flush(): boolean {
    let count = 0;
    try {
      while (this.#queue.length > 0 && this.#writePiece()) count++;
      if (count === 0) return this.#queue.length === 0;
      this.#producer.publish();
      if (this.#state.data.isWanted) this.#state.data.ring();
    } catch (error) {
      this.stop();
      this.#failed(error);
    }
    return this.#queue.length === 0;
  }

  #writePiece(): boolean {
    const { room } = this.#producer;
    if (room < this.#queuedBytes && room < this.#capacity * LEAST_PIECE) return false;
    const length = Math.min(room, this.#queuedBytes);
    const at = this.#producer.claim(length);
    if (at < 0) return false;
    this.#fill(at, at + length);
    this.#queuedBytes -= length;
    return true;
  }

  /** Copy the first bytes of the queue. */
  #fill(from: number, end: number): void {
    for (let at = from; at < end; ) {
      const bytes = this.#queue[0] as Bytes;
      const part = bytes.subarray(this.#done, this.#done + end - at);
      copyIn(this.#memory.u8, at, part);
      at += part.length;
      this.#done += part.length;
      if (this.#done < bytes.length) return;
      this.#queue.shift();
      this.#done = 0;
    }
  }
}

/** Reading side of bytes without boundaries: lends copies of what arrives. */
export class LaneReader {
  readonly #consumer: ByteConsumer;
  readonly #memory: RecordMemory;
  readonly #state: ChannelState;
  readonly #capacity: number;
  readonly #arrival: AsyncWait;
  readonly #data: (bytes: Bytes) => void;
  readonly #failed: (error: unknown) => void;
  readonly #timers: Timers;
  #isPaused = false;
  #isReading = false;
  /** Waits for what arrives. */
  #isListening = false;
  #reads = 0;
  #isStarted = false;
  #isStopped = false;

  /**
   * @param data - called with bytes of this thread, not before {@link start}; they are only there during the call
   * @param failed - called when the writer has written what cannot be
   * @throws {ProtocolError} when the memory holds no such ring.
   */
  constructor(
    buffer: SharedArrayBuffer,
    timers: Timers,
    data: (bytes: Bytes) => void,
    failed: (error: unknown) => void,
  ) {
    const { layout, control, memory, state } = openRing(buffer);
    this.#consumer = new ByteConsumer(control, layout);
    this.#capacity = layout.capacity;
    this.#memory = memory;
    this.#state = state;
    this.#arrival = new AsyncWait(state.data, timers, undefined);
    this.#timers = timers;
    this.#data = data;
    this.#failed = failed;
  }

  /** Whether the writer has said that nothing comes after what is in the ring. */
  get isFinished(): boolean {
    return this.#state.sendersClosed;
  }

  /** Begin to read, and go on until {@link stop}. */
  start(): void {
    this.#isStarted = true;
    this.#listen();
  }

  readonly #listen = (): void => {
    if (this.#isListening || !this.#isStarted || this.#isPaused || this.#isStopped) return;
    this.#isListening = true;
    this.#arrival.add(this.#readOn);
  };

  readonly #readOn = (): boolean => {
    const isEmpty = this.#read(READ_BYTES);
    if (isEmpty && !this.#isPaused && !this.#isStopped) return false;
    this.#isListening = false;
    const isTurn = ++this.#reads % READS_A_TASK === 0;
    if (!isEmpty) (isTurn ? nextTask(this.#timers) : SOON).then(this.#listen);
    return true;
  };

  /** Read all that is there now. @returns false while it is paused: there may be more. */
  read(): boolean {
    this.#read(Number.POSITIVE_INFINITY);
    return !this.#isPaused;
  }

  /** Read until nothing is there, or so many bytes were. @returns false when there may be more. */
  #read(most: number): boolean {
    if (this.#isReading || this.#isStopped) return true;
    this.#isReading = true;
    let left = most;
    try {
      for (let at = this.#next(); at >= 0; at = left > 0 ? this.#next() : -1) {
        left -= this.#consumer.length;
        this.#lend(at, this.#consumer.length);
      }
    } catch (error) {
      this.stop();
      this.#failed(error);
    }
    this.#isReading = false;
    return left > 0;
  }

  /** Copy a piece, give its place back, and lend the copy. */
  #lend(at: number, length: number): void {
    const start = wordOffset(at);
    const isShort = start + length <= SHARED_BYTES;
    const memory = (isShort ? shared : undefined) ?? new Uint8Array(isShort ? SHARED_BYTES : start + length);
    const bytes = memory.subarray(start, start + length);
    bytes.set(this.#memory.u8.subarray(at, at + length));
    this.#consumer.release();
    this.#wakeWriter();
    shared = undefined; // a reader that reads meanwhile has memory of its own
    try {
      this.#data(bytes);
    } finally {
      if (isShort) shared = memory;
    }
  }

  /** Leave in the ring what arrives. */
  pause(): void {
    this.#isPaused = true;
  }

  /** Go on reading. */
  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    SOON.then(this.#listen); // as what arrives: not before this has returned
  }

  /** Read no more. */
  stop(): void {
    this.#isStopped = true;
    this.#arrival.pump();
  }

  #next(): number {
    return this.#isPaused || this.#isStopped ? -1 : this.#consumer.claim();
  }

  #wakeWriter(): void {
    if (this.#state.space.isWanted && this.#consumer.depth * 2 <= this.#capacity) this.#state.space.ring();
  }
}
