import { ProtocolError } from "../errors.ts";
import { EARLY_STREAMS } from "../limits.ts";
import { SESSION_ID, type StreamId } from "../wire/frame.ts";
import type { Stream } from "./stream.ts";

/** Who said HELLO first: the low bit of the numbers of the streams that a side opens. */
export type Role = "client" | "server";

/** Number of the `count`-th stream that a side opens, 1 first. */
export function streamId(role: Role, count: number): StreamId {
  return (count * 4 + (role === "client" ? 0 : 1)) as StreamId;
}

/** Slots of a table that has held a stream; it grows by powers of two. */
const LEAST_SLOTS = 16;

/** No streams; never written to. An idle session shares it. */
const NONE: (Stream | undefined)[] = [];

/**
 * The streams of a session by number, and how many each side may open.
 *
 *     id = count * 4 + initiator     count 1, 2, 3, ... without gaps; initiator 0 client, 1 server
 *                                    bit 1 is 0 (reserved for one-way streams)
 *
 * The credit for opening is an absolute count, like the credit for bytes: a side opens stream `count` only while
 * `count <= limit`. A stream holds its place until both halves are over and its handler has let go of it.
 *
 * Streams that share a slot are chained. It is no `Map`: each time that one is rehashed V8 leaves its former storage a
 * reference to the next, and once one such storage is old, every stream that came and went later survives the
 * collections of the young heap.
 */
export class StreamTable {
  readonly #role: Role;
  #slots: (Stream | undefined)[] = NONE;
  #size = 0;
  readonly #maxStreams: number;
  /** Streams that this side has opened, and may open. */
  #opened = 0;
  #openLimit = EARLY_STREAMS;
  /** Streams of this side that the peer bears at a time. */
  #peerStreams = EARLY_STREAMS;
  /** Streams that the peer has opened; those of them that are over. */
  #accepted = 0;
  #over = 0;
  /** Streams of the peer whose place is free, but whose end is not acknowledged. */
  #lingering = 0;
  /** Count up to which the peer may open, as last told. */
  #toldLimit: number;

  constructor(role: Role, maxStreams: number) {
    this.#role = role;
    this.#maxStreams = this.#toldLimit = maxStreams;
  }

  /** Streams that are not over, of both sides. */
  get size(): number {
    return this.#size;
  }

  /** The streams that are not over, by number. */
  values(): Stream[] {
    const streams: Stream[] = [];
    for (let stream of this.#slots) {
      for (; stream !== undefined; stream = stream.sibling) streams.push(stream);
    }
    return streams.sort((a, b) => a.id - b.id);
  }

  /** Streams that the peer has opened. */
  get accepted(): number {
    return this.#accepted;
  }

  /** Whether a number is of a stream that the peer has opened, and this side has not heard of. */
  unheard(id: StreamId): boolean {
    return this.#initiatedByPeer(id) && Math.floor(id / 4) > this.#accepted;
  }

  #initiatedByPeer(id: StreamId): boolean {
    return (id & 3) === (this.#role === "client" ? 1 : 0);
  }

  /**
   * The peer has heard of the first `accepted` streams of this side only: the others count as never opened.
   * @returns those, in the order in which they were opened; {@link unopen} must follow for each.
   * @throws {ProtocolError} when it has heard of more than there are.
   */
  rollBack(accepted: number): Stream[] {
    if (accepted > this.#opened)
      throw new ProtocolError(
        "ERR_PROTOCOL",
        `Cannot resume ${accepted} streams: ${this.#opened} were opened`,
      );
    const streams: Stream[] = [];
    for (let count = accepted + 1; count <= this.#opened; count++) {
      const id = streamId(this.#role, count);
      const stream = this.#get(id);
      if (stream === undefined)
        throw new ProtocolError("ERR_PROTOCOL", `Cannot resume: stream ${id} was answered before`);
      streams.push(stream);
    }
    this.#opened = accepted;
    return streams;
  }

  /** Take out a stream that counts as never opened: it gets another number. */
  unopen(stream: Stream): void {
    this.#leave(stream);
    stream.id = SESSION_ID;
  }

  /** Whether this side may open one more stream. */
  get mayOpen(): boolean {
    return this.#opened < this.#openLimit;
  }

  /** Count up to which this side may open. */
  get openLimit(): number {
    return this.#openLimit;
  }

  /** Raise the number of streams that this side may open. @throws {ProtocolError} when it goes back. */
  allow(limit: number): void {
    if (limit < this.#openLimit) {
      throw new ProtocolError("ERR_FLOW", `Cannot accept stream credit ${limit}: it was ${this.#openLimit}`);
    }
    this.#openLimit = limit;
  }

  /** The peer's HELLO replaces the early number, which may also lower it; streams that are open stay. */
  adopt(limit: number): void {
    this.#openLimit = this.#peerStreams = limit;
  }

  /** Streams that can have been open at a time, of both sides: frames that cross can still name each of them. */
  get mostOpen(): number {
    return 2 * this.#maxStreams + Math.min(this.#opened, Math.max(this.#peerStreams, EARLY_STREAMS));
  }

  /** Number of the stream that {@link add} adds next. */
  get nextId(): StreamId {
    return streamId(this.#role, this.#opened + 1);
  }

  /** Enter a stream that this side opens; it has its number from {@link nextId}. */
  add(stream: Stream): void {
    this.#opened++;
    this.#enter(stream);
  }

  /**
   * Check the number of a stream that the peer opens.
   * @throws {ProtocolError} for a wrong initiator, a number out of order, or one beyond the limit.
   */
  checkAccept(id: StreamId): void {
    const expected = streamId(this.#role === "client" ? "server" : "client", this.#accepted + 1);
    if (id !== expected)
      throw new ProtocolError("ERR_PROTOCOL", `Cannot open stream ${id}: expected ${expected}`);
    if (this.#accepted >= this.#toldLimit) {
      throw new ProtocolError(
        "ERR_STREAM_LIMIT",
        `Cannot open stream ${id}: ${this.#toldLimit} streams are allowed`,
      );
    }
  }

  /** Enter a stream that the peer opened. */
  accept(stream: Stream): void {
    this.#accepted++;
    this.#enter(stream);
  }

  #enter(stream: Stream): void {
    if (this.#size++ === this.#slots.length) this.#grow();
    this.#put(stream);
  }

  #put(stream: Stream): void {
    const slot = this.#slotOf(stream.id);
    stream.sibling = this.#slots[slot];
    this.#slots[slot] = stream;
  }

  /** The numbers of one initiator lie 4 apart, and those of both beside each other. */
  #slotOf(id: StreamId): number {
    return ((id >> 1) ^ (id & 1)) & (this.#slots.length - 1);
  }

  #grow(): void {
    const streams = this.values();
    this.#slots = new Array(Math.max(LEAST_SLOTS, this.#slots.length * 2));
    for (const stream of streams) this.#put(stream);
  }

  #get(id: StreamId): Stream | undefined {
    let stream = this.#slots[this.#slotOf(id)];
    while (stream !== undefined && stream.id !== id) stream = stream.sibling;
    return stream;
  }

  /** @returns false when the stream is not here. */
  #leave(stream: Stream): boolean {
    const slot = this.#slotOf(stream.id);
    let before = this.#slots[slot];
    if (before === stream) this.#slots[slot] = stream.sibling;
    else {
      while (before !== undefined && before.sibling !== stream) before = before.sibling;
      if (before === undefined) return false;
      before.sibling = stream.sibling;
    }
    stream.sibling = undefined;
    this.#size--;
    return true;
  }

  /**
   * Find a stream by number.
   * @returns `undefined` for a stream that is over.
   * @throws {ProtocolError} for a stream that was never opened.
   */
  find(id: StreamId): Stream | undefined {
    const stream = this.#get(id);
    if (stream === undefined) {
      const opened = this.#initiatedByPeer(id) ? this.#accepted : this.#opened;
      if ((id & 2) !== 0 || id < 4 || Math.floor(id / 4) > opened) {
        throw new ProtocolError("ERR_PROTOCOL", `Cannot find stream ${id}: it was never opened`);
      }
      return undefined;
    }
    return stream;
  }

  /** Remove a stream that is over. @returns true when the peer must hear of a place that got free. */
  remove(stream: Stream): boolean {
    if (!this.#leave(stream)) return false;
    if (stream.local) return false;
    if (stream.vacated) {
      this.#lingering--;
      return false;
    }
    this.#over++;
    return this.#shouldTell;
  }

  /**
   * Give the place of a stream to the next one although its end is not acknowledged yet: the acknowledgement can wait
   * for a record to ride on, and the next call should not. At most as many streams linger so as may be open.
   * @returns true when the peer must hear of a place that got free.
   */
  vacate(stream: Stream): boolean {
    if (stream.local || stream.vacated || this.#lingering >= this.#maxStreams) return false;
    stream.vacated = true;
    this.#lingering++;
    this.#over++;
    return this.#shouldTell;
  }

  /** Places are worth a frame when a quarter of them is free, or the peer has none. */
  get #shouldTell(): boolean {
    return this.#accepted === this.#toldLimit || this.acceptLimit - this.#toldLimit >= this.#maxStreams >>> 2;
  }

  /** Count up to which the peer may open now. */
  get acceptLimit(): number {
    return this.#over + this.#maxStreams;
  }

  /** The peer is told of {@link acceptLimit}. */
  told(): void {
    this.#toldLimit = this.acceptLimit;
  }

  /** Forget all streams. */
  clear(): void {
    this.#slots = NONE;
    this.#size = 0;
  }
}
