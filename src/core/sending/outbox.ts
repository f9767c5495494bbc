import { concatBytes } from "../bytes.ts";
import { MAIN_LANE } from "../lanes/lane.ts";
import type { OwnLane, OwnLanes } from "../lanes/lanes.ts";
import { EARLY_WINDOW_BYTES } from "../limits.ts";
import { Queue } from "../queue.ts";
import type { Told } from "../resume/told.ts";
import * as Control from "../streams/control.ts";
import { type ReceiveWindow, reserveBytes } from "../streams/flow.ts";
import type { WriteEnd } from "../streams/send-half.ts";
import { type Stream, WAITS } from "../streams/stream.ts";
import type { StreamTable } from "../streams/stream-table.ts";
import { SESSION_ID } from "../wire/frame.ts";
import * as FrameFlag from "../wire/frame-flag.ts";
import * as FrameType from "../wire/frame-type.ts";
import type { NameWriter } from "../wire/names.ts";
import type { RecordWriter } from "../wire/record-writer.ts";
import { varintBytes } from "../wire/varint.ts";
import { News } from "./news.ts";
import { Scheduler } from "./scheduler.ts";
import { CONTROL_BYTES, STREAM_CONTROL_BYTES, writeCredit, writeStreamControl } from "./stream-control.ts";

/** Charged bytes after which the next stream of the class has its turn (T16). */
const QUANTUM_BYTES = 16_384;

/** What a session has to send: control frames of its streams first, then data by priority, inside the credit. */
export class Outbox {
  /** Position that the peer allows for the session, and the one that was sent. */
  limit: number = EARLY_WINDOW_BYTES;
  sent = 0;
  /** Position that the peer's applications have consumed. */
  acked = 0;
  /** Charged bytes of all streams that wait. */
  queuedBytes = 0;
  /** The session's own WINDOW is due. */
  windowDue = false;
  /** The lanes that this side has opened over the connection; `undefined` while there is none. */
  lanes: OwnLanes | undefined;
  readonly #scheduler: Scheduler = new Scheduler();
  readonly #table: StreamTable;
  readonly #window: ReceiveWindow;
  readonly #onFinished: (stream: Stream) => void;
  readonly #control: Queue<Stream> = new Queue();
  readonly #news: News = new News();
  /** RESETs and STOPs that the peer may not have seen. */
  readonly #told: Told;
  /** Charged bytes that were sent and are kept, and how many may be. */
  retainedBytes = 0;
  readonly #maxRetainedBytes: number;
  /** Streams that wait for the peer to allow more streams. */
  #unopened: Set<Stream> | undefined;
  /** Streams with a message that is sent in part and where it began, the oldest first: the peer lends to that one. */
  #parts: Map<Stream, number> | undefined;
  /** There is no session credit, but for the reserve of the oldest part; and none for that either. */
  #sessionBlocked = false;
  #partBlocked = false;
  /** The same for a stream with a lane of its own. */
  #laneBlocked = false;

  /**
   * @param maxRetainedBytes - charged bytes that are kept after they were sent
   * @param onFinished - called with a stream when its FIN was written
   */
  constructor(
    table: StreamTable,
    window: ReceiveWindow,
    told: Told,
    maxRetainedBytes: number,
    onFinished: (stream: Stream) => void,
  ) {
    this.#table = table;
    this.#window = window;
    this.#told = told;
    this.#maxRetainedBytes = maxRetainedBytes;
    this.#onFinished = onFinished;
  }

  /** A stream has data, an end, or its OPEN to send. One with a lane of its own waits for nobody. */
  schedule(stream: Stream): void {
    this.#partBlocked = false;
    if (stream.lane === MAIN_LANE) this.#scheduler.push(stream);
  }

  /** A stream has a control frame to send; before its OPEN is written it keeps it. */
  control(stream: Stream, bit: number): void {
    stream.control |= bit;
    if (stream.controlQueued || stream.id === SESSION_ID) return;
    stream.controlQueued = true;
    this.#control.push(stream);
  }

  /** A stream was consumed to its end: the peer may hear of it with the next record. */
  delivered(stream: Stream, now: number): void {
    this.#news.push(stream.id, now);
  }

  /** The session's credit or number of streams was raised. */
  unblock(): void {
    this.#sessionBlocked = this.#partBlocked = this.#laneBlocked = false;
    if (!this.#table.mayOpen || this.#unopened === undefined) return;
    for (const stream of this.#unopened) this.schedule(stream);
    this.#unopened = undefined; // cleared, it would keep these streams until V8 marks all memory
  }

  /** Whether what waits can only go on with more credit of the session. */
  get starved(): boolean {
    return this.#sessionBlocked || this.#laneBlocked;
  }

  /** A stream has nothing to send any more. */
  forget(stream: Stream): void {
    this.#unopened?.delete(stream);
    this.#notePart(stream);
  }

  /** Whether a record should be built now. */
  get ready(): boolean {
    return (
      this.windowDue ||
      this.#control.length > 0 ||
      (!this.#scheduler.empty && (!this.#sessionBlocked || this.#partReady)) ||
      this.#firstDue !== undefined ||
      this.#newsUrgent
    );
  }

  /** Whose message the peer must hear that it is the oldest part: between lanes it does not see that. */
  get #firstDue(): Stream | undefined {
    const { lanes } = this;
    if (lanes === undefined || lanes.opened === 0) return undefined;
    const stream = this.oldestPart;
    return stream === lanes.first && stream?.send.partAt === lanes.firstAt ? undefined : stream;
  }

  #writeFirst(into: RecordWriter, stream: Stream | undefined): void {
    if (stream === undefined || into.room < CONTROL_BYTES) return;
    const { partAt } = stream.send;
    into.frame(FrameType.LANE, 0, stream.id, varintBytes(partAt));
    into.varint(partAt);
    const lanes = this.lanes as OwnLanes;
    lanes.first = stream;
    lanes.firstAt = partAt;
  }

  /** Whether the news go out even without a record to ride on: streams that wait for places may get theirs by it. */
  get #newsUrgent(): boolean {
    return this.#news.due || (!this.#news.empty && (this.#unopened?.size ?? 0) > 0);
  }

  /** When {@link handleTimeout} has something to do, ms; infinite for never. */
  get deadline(): number {
    return this.#news.deadline;
  }

  /** The news have waited long enough, if {@link deadline} has come. */
  handleTimeout(now: number): void {
    this.#news.handleTimeout(now);
  }

  /** Room that the next frames need at least: metadata cannot be cut. */
  get leastRoom(): number {
    const next = this.#scheduler.peek();
    if (next === undefined) return 1_024;
    return 1_024 + (next.id === SESSION_ID ? next.openMetadata.length : next.send.trailer.length);
  }

  /** Write all that fits. */
  write(into: RecordWriter, names: NameWriter, now: number, roundTripMs: number): void {
    if (this.windowDue) this.#writeSessionWindow(into, now, roundTripMs);
    this.#writeControl(into, now, roundTripMs);
    this.#writeData(into, names, now);
    this.#writeFirst(into, this.#firstDue);
    // Answers free places: that news rides with them.
    if (this.windowDue) this.#writeSessionWindow(into, now, roundTripMs);
    if (!into.empty || this.#newsUrgent) this.#news.write(into);
  }

  #writeSessionWindow(into: RecordWriter, now: number, roundTripMs: number): void {
    if (into.room < CONTROL_BYTES) return;
    const window = this.#window;
    window.grant(now, roundTripMs, window.crowded);
    const streams = this.#table.acceptLimit;
    const length = varintBytes(window.consumed) + varintBytes(window.limit) + varintBytes(streams);
    into.frame(FrameType.WINDOW, 0, SESSION_ID, length);
    into.varint(window.consumed);
    into.varint(window.limit);
    into.varint(streams);
    this.#table.told();
    this.windowDue = false;
  }

  #writeControl(into: RecordWriter, now: number, roundTripMs: number): void {
    for (let stream = this.#control.peek(); stream !== undefined; stream = this.#control.peek()) {
      if (into.room < STREAM_CONTROL_BYTES) return;
      this.#control.shift();
      if (stream.id === SESSION_ID) {
        stream.controlQueued = false; // its OPEN was lost: what it has to say follows the next one
        continue;
      }
      writeStreamControl(into, stream, this.#told, now, roundTripMs, this.#table.size < 2);
      stream.controlQueued = false;
    }
  }

  #writeData(into: RecordWriter, names: NameWriter, now: number): void {
    if (this.#sessionBlocked) this.#writePart(into);
    if (this.#sessionBlocked) return;
    for (let stream = this.#scheduler.shift(); stream !== undefined; stream = this.#scheduler.shift()) {
      const { send } = stream;
      if (send.closed) continue;
      if (!stream.compress) into.plain = true;
      if (stream.id === SESSION_ID && !this.#table.mayOpen) {
        this.#unopened ??= new Set();
        this.#unopened.add(stream);
        continue;
      }
      const before = send.sent;
      if (stream.id === SESSION_ID && !this.#writeOpen(into, stream, names)) {
        this.#scheduler.unshift(stream);
        return;
      }
      const alone = stream.ownLane && send.unsent > 0 && this.lanes?.claim(stream) === true;
      const end = this.#writeStream(into, stream, before, now, alone);
      // The peer keeps what was not consumed: where data goes to it anyway, it hears of that too.
      const { consumed, told } = stream.receive.window;
      if (send.sent > before && consumed > told && into.room >= CONTROL_BYTES) writeCredit(into, stream);
      if (end === "quantum") this.#scheduler.push(stream);
      else if (end === "room" || end === "session-credit") {
        this.#scheduler.unshift(stream);
        if (end === "room") return;
        this.#sessionBlocked = true;
        this.#writePart(into);
        if (this.#sessionBlocked) return;
      }
    }
  }

  /**
   * Write messages of a stream.
   * @param before - its position before its OPEN
   * @param leave - write none, only count
   */
  #writeStream(into: RecordWriter, stream: Stream, before: number, now: number, leave = false): WriteEnd {
    const { send } = stream;
    const credit = this.#creditOf(stream) - (send.sent - before);
    // The reserve is for the part that was begun first: what follows it on its stream is one of the others again.
    const quantum = stream === this.oldestPart ? Math.min(QUANTUM_BYTES, send.rest) : QUANTUM_BYTES;
    const end = leave ? "empty" : send.write(into, stream.id, credit, quantum);
    this.#count(stream, send.sent - before);
    if (send.sent > before || stream.progressAt === WAITS) stream.progressAt = now;
    if (send.finished) this.#onFinished(stream);
    return end;
  }

  /** Write what a lane has: LANE, and when the peer has answered it, data. */
  writeLane(into: RecordWriter, own: OwnLane, now: number): void {
    const { stream } = own;
    if (!stream.compress) into.plain = true;
    if (own.ready) {
      let end: WriteEnd = "quantum";
      while (end === "quantum") end = this.#writeStream(into, stream, stream.send.sent, now);
      if (end === "session-credit") this.#laneBlocked = true;
      return;
    }
    own.told = true;
    into.frame(FrameType.LANE, 0, stream.id, varintBytes(stream.send.sent));
    into.varint(stream.send.sent);
  }

  #count(stream: Stream, sent: number): void {
    this.sent += sent;
    this.queuedBytes -= sent;
    this.retainedBytes += sent;
    while (this.retainedBytes > this.#maxRetainedBytes && this.#forgetMost());
    if (stream.send.partAt >= 0 || (this.#parts?.size ?? 0) > 0) this.#notePart(stream);
  }

  /**
   * Too much is kept: the stream that has most of what can be forgotten keeps no more than it must.
   * @returns false when there is nothing to forget.
   */
  #forgetMost(): boolean {
    let most: Stream | undefined;
    for (const stream of this.#table.values())
      if (stream.send.forgettable > (most?.send.forgettable ?? 0)) most = stream;
    if (most === undefined) return false;
    const before = most.send.retained;
    most.send.forgetSent();
    this.retainedBytes -= before - most.send.retained;
    return most.send.retained < before;
  }

  /** Session credit that a stream may use: all of it only for the message that was begun first. */
  #creditOf(stream: Stream): number {
    const credit = this.limit - this.sent;
    const oldest = this.oldestPart;
    return oldest === undefined || oldest === stream
      ? credit
      : credit - reserveBytes(this.limit - this.acked);
  }

  /** Stream with the message that was begun first of those that are sent in part: the peer lends to that one. */
  get oldestPart(): Stream | undefined {
    if (this.#parts !== undefined) for (const stream of this.#parts.keys()) return stream;
    return undefined;
  }

  /** The oldest part can go on although the session credit is spent. */
  get #partReady(): boolean {
    return !this.#partBlocked && this.oldestPart?.scheduled === true;
  }

  #notePart(stream: Stream): void {
    const { partAt } = stream.send;
    this.#parts ??= new Map();
    if ((this.#parts.get(stream) ?? -1) === partAt) return;
    const oldest = this.oldestPart;
    this.#parts.delete(stream);
    if (partAt >= 0) this.#parts.set(stream, partAt);
    if (oldest !== this.oldestPart) this.#sessionBlocked = this.#partBlocked = false;
  }

  /** Write the rest of the oldest part, from the reserve. It keeps its place in the schedule. */
  #writePart(into: RecordWriter): void {
    if (!this.#partReady) return;
    const stream = this.oldestPart as Stream;
    const { send } = stream;
    if (!stream.compress) into.plain = true;
    const before = send.sent;
    const end = send.write(into, stream.id, this.limit - this.sent, send.rest);
    this.#partBlocked = end === "credit" || end === "session-credit";
    this.#count(stream, send.sent - before);
  }

  /** @returns false when the record has no room for it. */
  #writeOpen(into: RecordWriter, stream: Stream, names: NameWriter): boolean {
    const { send, openMetadata } = stream;
    const label = names.label(stream.name);
    const prefix =
      openMetadata.length === 0
        ? label
        : concatBytes([label, openMetadata], label.length + openMetadata.length);
    const id = this.#table.nextId;
    const credit = Math.max(0, Math.min(send.limit - send.sent, this.#creditOf(stream)));
    const flags = openMetadata.length === 0 ? 0 : FrameFlag.EXT;
    if (!send.writeFrame(into, FrameType.OPEN, flags, id, prefix, credit)) return false;
    names.commit(stream.name);
    stream.id = id;
    this.#table.add(stream);
    if (stream.control !== 0) this.control(stream, 0);
    return true;
  }

  /** What waits as a RESET, STOP or WINDOW is told in another way: it does not wait any more. */
  tellAll(): void {
    for (let stream = this.#control.shift(); stream !== undefined; stream = this.#control.shift()) {
      stream.controlQueued = false;
      if (stream.id === SESSION_ID) continue; // its OPEN was lost: it says so with the next one
      for (const bit of [Control.RESET, Control.STOP])
        if ((stream.control & bit) !== 0) this.#told.add(stream, bit);
      stream.control = 0;
    }
    this.#news.clear();
    this.windowDue = false;
  }

  /** The peer says which messages it has in part, in the order in which they began: see {@link resumed}. */
  forgetParts(): void {
    this.#parts = undefined;
    this.#sessionBlocked = this.#partBlocked = false;
  }

  /** The peer has `again` fewer bytes of a stream than were sent. */
  resumed(stream: Stream, again: number): void {
    this.sent -= again;
    this.queuedBytes += again;
    if (stream.send.partAt >= 0) this.#notePart(stream);
    if (stream.send.unsent > 0) this.schedule(stream);
  }

  /** Take out the streams whose OPEN was not written. */
  takeUnopened(): readonly Stream[] {
    const unopened = [...(this.#unopened ?? [])];
    this.#unopened = undefined;
    for (const stream of this.#scheduler.drain()) {
      if (stream.id === SESSION_ID) unopened.push(stream);
      else this.#scheduler.push(stream);
    }
    return unopened;
  }

  /** Forget all. */
  clear(): void {
    this.#scheduler.drain();
    this.#control.clear();
    this.#news.clear();
    this.#unopened = this.#parts = undefined;
    this.queuedBytes = this.retainedBytes = 0;
    this.windowDue = false;
  }
}
