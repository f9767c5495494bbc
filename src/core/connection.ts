import { BufferPool } from "./buffer-pool.ts";
import { type Bytes, EMPTY } from "./bytes.ts";
import type { ConnectionCounters, ConnectionOptions } from "./connection-options.ts";
import { allows, type ConnectionState } from "./connection-state.ts";
import { DatagramQueue } from "./datagrams.ts";
import { EarlyData } from "./early-data.ts";
import {
  type ErrorName,
  errorName,
  ProtocolError,
  StateError,
  StreamError,
  TransportError,
  WireError,
} from "./errors.ts";
import type { SessionEvent } from "./events.ts";
import { FrameReader, FrameType, SESSION_ID } from "./frame.ts";
import { decodeHello, encodeHello, type Hello } from "./hello.ts";
import { KeepAlive } from "./keep-alive.ts";
import type { LaneId } from "./lane.ts";
import { type Limits, MAX_HELLO_BYTES, MAX_NAMES, RECORD_SLACK_BYTES } from "./limits.ts";
import { Mux } from "./mux.ts";
import { MuxInput, readReason } from "./mux-input.ts";
import { NameReader, NameWriter } from "./names.ts";
import { RateLimit } from "./rate-limit.ts";
import { MAGIC, PLAIN_RECORD, RecordReader } from "./record.ts";
import { RecordWriter } from "./record-writer.ts";
import { Replies } from "./replies.ts";
import type { Role } from "./stream-table.ts";
import { Cursor } from "./varint.ts";

/**
 * The protocol over one live transport, without I/O: bytes and the time go in, records and events come out.
 *
 * Source: docs/protocol.md, sections 3 to 7. The file is long because every transition of the state stands in it.
 */
export class Connection {
  readonly role: Role;
  /** The streams that this connection carries. */
  readonly mux: Mux;
  readonly counters: ConnectionCounters = {
    recordsSent: 0,
    recordsReceived: 0,
    bytesSent: 0,
    bytesReceived: 0,
    pongsDropped: 0,
    datagramsRefused: 0,
  };
  readonly #options: ConnectionOptions;
  readonly #limits: Limits;
  readonly #writer: RecordWriter;
  readonly #frames: FrameReader = new FrameReader();
  readonly #records: RecordReader | undefined;
  readonly #input: MuxInput;
  readonly #names: NameWriter;
  readonly #datagrams: DatagramQueue;
  readonly #keepAlive: KeepAlive;
  readonly #pings: RateLimit;
  readonly #handshakeDeadline: number;
  #state: ConnectionState = "opening";
  #peer: Hello | undefined;
  #error: WireError | undefined;
  /** Body of the HELLO that must go out. */
  #helloDue: Bytes | undefined;
  #magicDue: boolean;
  readonly #replies: Replies;
  readonly #early: EarlyData;
  /** Longest record that is accepted now. */
  #maxRecordBytes: number;

  constructor(options: ConnectionOptions) {
    const { role, limits, now } = options;
    this.role = role;
    this.#options = options;
    this.#limits = limits;
    this.mux = options.mux ?? new Mux(role, limits);
    this.mux.now = now;
    this.#writer = new RecordWriter(options.pool ?? new BufferPool());
    this.#maxRecordBytes = limits.maxFrameBytes + RECORD_SLACK_BYTES;
    // A client that is not let in yet may send a HELLO and early data, and no more (T1).
    if (role === "server")
      this.#maxRecordBytes = Math.min(this.#maxRecordBytes, MAX_HELLO_BYTES + limits.maxEarlyBytes);
    this.#records = options.messageBoundaries ? undefined : new RecordReader(this.#maxRecordBytes);
    this.#input = new MuxInput(this.mux, new NameReader(MAX_NAMES));
    this.#names = new NameWriter(Math.min(limits.maxNames, MAX_NAMES));
    this.#datagrams = new DatagramQueue(limits.maxDatagrams, limits.maxDatagramQueueBytes);
    this.#keepAlive = new KeepAlive(now);
    this.#replies = new Replies(this.#keepAlive, limits.maxControlReplies);
    this.#early = new EarlyData(limits.maxEarlyBytes);
    this.#pings = new RateLimit(limits.pingsPerSecond, limits.pingsPerSecond);
    this.#handshakeDeadline = now + limits.handshakeMs;
    this.#helloDue = role === "client" ? this.#hello(undefined) : undefined;
    this.#magicDue = !options.messageBoundaries;
  }

  /** Where this connection stands. */
  get state(): ConnectionState {
    return this.#state;
  }

  /** Why the connection is over; `undefined` while it is not, and when it was closed in order. */
  get error(): WireError | undefined {
    return this.#error;
  }

  /** The peer's HELLO, once it is here. */
  get peer(): Hello | undefined {
    return this.#peer;
  }

  /** Smoothed round trip, ms; 0 before the first measurement. */
  get roundTripMs(): number {
    return this.#keepAlive.roundTripMs;
  }

  /** Datagrams that were dropped from the queue. */
  get datagramsDropped(): number {
    return this.#datagrams.dropped;
  }

  /** The oldest thing that the application must hear; `undefined` when there is none. */
  poll(): SessionEvent | undefined {
    return this.mux.poll();
  }

  /**
   * Take bytes from the peer: one record, or any piece of a lane that carries bytes. The connection owns them.
   *
   * Never throws: what is wrong with the bytes ends this connection with a `closed` event and a CLOSE to the peer.
   */
  receive(_lane: LaneId, bytes: Bytes, now: number): void {
    if (this.#state === "closing" || this.#state === "closed") return;
    this.mux.now = now;
    this.mux.settleUnread();
    this.#keepAlive.heard(bytes.length, now);
    this.counters.bytesReceived += bytes.length;
    try {
      if (this.#records === undefined) this.#receiveRecord(bytes);
      else this.#receiveBytes(this.#records, bytes);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#fail(error);
    }
    // An idle connection must not hold its last record.
    this.#frames.reset(EMPTY, 0);
    if (this.#replies.waiting) this.mux.wake();
  }

  #receiveBytes(records: RecordReader, bytes: Bytes): void {
    records.push(bytes);
    for (let record = records.next(); record !== undefined; record = records.next()) {
      this.#receiveRecord(record);
      if (this.#state === "closing" || this.#state === "closed") return;
    }
  }

  #receiveRecord(record: Bytes): void {
    this.counters.recordsReceived++;
    if (this.#state === "authenticating") {
      this.#early.keep(record, 0);
      return;
    }
    if (record.length > this.#maxRecordBytes) {
      throw new ProtocolError(
        "ERR_FRAME_TOO_LARGE",
        `Cannot accept ${record.length} byte record: limit is ${this.#maxRecordBytes}`,
      );
    }
    this.#readFrames(record, this.#checkRecord(record));
  }

  #checkRecord(record: Bytes): number {
    if (record.length < 2) throw new ProtocolError("ERR_PROTOCOL", "Cannot accept record: it holds no frame");
    if (record[0] !== PLAIN_RECORD) {
      throw new ProtocolError("ERR_PROTOCOL", `Cannot accept record: header ${record[0]} was not negotiated`);
    }
    return 1;
  }

  #readFrames(record: Bytes, at: number): void {
    const frames = this.#frames;
    frames.reset(record, at);
    while (frames.next()) {
      if (!allows(this.#state, frames.type)) this.#refuseFrame();
      const length = frames.bodyEnd - frames.bodyAt;
      if (length > this.#limits.maxFrameBytes) {
        throw new ProtocolError(
          "ERR_FRAME_TOO_LARGE",
          `Cannot accept ${length} byte frame: limit is ${this.#limits.maxFrameBytes}`,
        );
      }
      this.#apply(frames);
      if (this.#state === "open") continue;
      if (this.#state === "authenticating") this.#early.keep(record, frames.bodyEnd);
      return;
    }
  }

  #refuseFrame(): never {
    throw new ProtocolError(
      "ERR_PROTOCOL",
      `Cannot accept frame type ${this.#frames.type} while ${this.#state}`,
    );
  }

  #apply(frame: FrameReader): void {
    switch (frame.type) {
      case FrameType.DATA:
        return this.#input.data(frame);
      case FrameType.OPEN:
        return this.#input.open(frame);
      case FrameType.WINDOW:
        return this.#input.window(frame);
      case FrameType.RESET:
        return this.#input.reset(frame);
      case FrameType.STOP:
        return this.#input.stop(frame);
      default:
        return this.#applyToSession(frame);
    }
  }

  /** Frames of the session itself: their stream id is 0. */
  #applyToSession(frame: FrameReader): void {
    if (frame.stream !== SESSION_ID) {
      throw new ProtocolError(
        "ERR_PROTOCOL",
        `Cannot accept frame type ${frame.type} on stream ${frame.stream}`,
      );
    }
    const cursor = new Cursor(frame.bytes, frame.bodyAt, frame.bodyEnd);
    switch (frame.type) {
      case FrameType.HELLO:
        return this.#applyHello(frame);
      case FrameType.PING:
        return this.#applyPing(cursor.varint());
      case FrameType.PONG:
        return this.#applyPong(cursor.varint());
      case FrameType.DATAGRAM:
        return this.#applyDatagram(frame.payload(frame.bodyAt));
      case FrameType.GOAWAY:
        return this.#applyGoAway(cursor);
      case FrameType.CLOSE:
        return this.#applyClose(cursor);
      case FrameType.EXTENSION:
        return this.#applyExtension(cursor.varint());
    }
  }

  #applyHello(frame: FrameReader): void {
    const length = frame.bodyEnd - frame.bodyAt;
    if (length > MAX_HELLO_BYTES)
      throw new ProtocolError(
        "ERR_LIMIT",
        `Cannot accept HELLO of ${length} bytes: limit is ${MAX_HELLO_BYTES}`,
      );
    const hello = decodeHello(frame.bytes.subarray(frame.bodyAt, frame.bodyEnd));
    this.#peer = hello;
    if (this.role === "server") {
      this.#state = "authenticating";
      this.mux.emit({ kind: "authenticate", hello });
      return;
    }
    // A peer that pings keeps the connection known to be alive; ask only when it should have done so.
    this.#opened(hello, hello.keepAliveMs * 1.5);
  }

  #opened(hello: Hello, keepAliveMs: number): void {
    this.#state = "open";
    this.#maxRecordBytes = this.#limits.maxFrameBytes + RECORD_SLACK_BYTES;
    if (this.#records !== undefined) this.#records.maxRecordBytes = this.#maxRecordBytes;
    this.#keepAlive.start(keepAliveMs, this.mux.now);
    this.mux.adopt(hello);
    this.mux.emit({ kind: "open", hello });
  }

  /**
   * Server: let the client in, after the `authenticate` event. What it sent meanwhile is read now.
   * @param sessionId - 16 random bytes that name the session
   * @throws {StateError} when no client waits for it.
   */
  accept(sessionId: Bytes, now: number): void {
    if (this.#state !== "authenticating" || this.#peer === undefined) {
      throw new StateError(`Cannot accept client: connection is ${this.#state}`);
    }
    this.#helloDue = this.#hello(sessionId);
    this.mux.now = now;
    // Measured before anything queues: the base that flow control goes by. The question rides with HELLO.
    this.#keepAlive.pingDue = true;
    this.#opened(this.#peer, this.#limits.keepAliveMs);
    try {
      for (const { record, at } of this.#early.take()) {
        if (this.state === "open" && at < record.length)
          this.#readFrames(record, at > 0 ? at : this.#checkRecord(record));
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#fail(error);
    }
    this.mux.wake();
  }

  #applyPing(token: number): void {
    if (!this.#pings.take(this.mux.now)) {
      throw new ProtocolError("ERR_RATE", `Cannot accept ping: over ${this.#limits.pingsPerSecond} a second`);
    }
    this.#replies.pong(token);
    this.counters.pongsDropped = this.#replies.dropped;
  }

  #applyPong(token: number): void {
    const roundTripMs = this.#keepAlive.answered(token, this.mux.now);
    if (roundTripMs === undefined) this.#input.idle();
    else this.mux.emit({ kind: "pong", roundTripMs });
  }

  #applyDatagram(payload: Bytes): void {
    if (payload.length > this.#limits.maxDatagramBytes) this.counters.datagramsRefused++;
    else if (!this.mux.emitDatagram(payload)) this.counters.datagramsRefused++;
  }

  #applyGoAway(cursor: Cursor): void {
    this.#input.idle();
    const code = errorName(cursor.varint());
    const delayMs = cursor.varint();
    const error = new StreamError(code, readReason(cursor) || "The peer takes no new streams");
    this.mux.refuse(error);
    this.mux.emit({ kind: "goaway", error, delayMs });
  }

  #applyClose(cursor: Cursor): void {
    const code = errorName(cursor.varint());
    const reason = readReason(cursor) || `Connection was closed by the peer: ${code}`;
    this.#end(code === "ERR_NONE" ? undefined : new WireError(code, reason));
  }

  /** Frames of a later version: an odd type must be understood, an even one may be skipped. */
  #applyExtension(type: number): void {
    if ((type & 1) === 1)
      throw new ProtocolError("ERR_PROTOCOL", `Cannot accept extension frame ${type}: unknown and critical`);
    this.#input.idle();
  }

  /** The peer broke the protocol: say so to both sides. A peer that never said HELLO gets no answer (T34). */
  #fail(error: ProtocolError): void {
    const stranger = this.role === "server" && this.#peer === undefined && error.code !== "ERR_VERSION";
    if (stranger) this.#end(error);
    else this.#shut(error.code, error.message, error);
  }

  /** Close in order, or with an error. Streams that are open end with it; nothing that waits is sent. */
  close(code: ErrorName = "ERR_NONE", reason = ""): void {
    if (this.#state === "closing" || this.#state === "closed") return;
    this.#shut(code, reason, code === "ERR_NONE" ? undefined : new WireError(code, reason));
  }

  #shut(code: ErrorName, reason: string, error: WireError | undefined): void {
    this.#replies.close = { code, reason };
    this.#end(error, "closing");
    this.mux.wake();
  }

  #end(error: WireError | undefined, state: "closing" | "closed" = "closed"): void {
    this.#state = state;
    this.#error = error;
    this.#early.take();
    this.mux.fail(error);
    this.mux.emit({ kind: "closed", error });
  }

  /** The transport is gone. @param error - why; the streams end with it as their cause. */
  lost(error?: WireError): void {
    if (this.#state === "closed") return;
    const told = this.#state === "closing";
    this.#state = "closed";
    if (!told) this.#end(error ?? new TransportError("Connection was lost"));
  }

  /**
   * Take no new streams from the peer, and tell it; those that are open go on.
   * @param delayMs - how long the peer should wait before it connects again
   */
  goAway(reason: string, delayMs: number): void {
    this.#replies.goAway = { code: "ERR_GOING_AWAY", reason, delayMs };
    this.#input.refusing = true;
    this.mux.wake();
  }

  /** Measure the round trip: a `pong` event follows. */
  ping(): void {
    this.#keepAlive.pingDue = true;
    this.mux.wake();
  }

  /**
   * Queue a datagram; the oldest ones are dropped when too many wait.
   * @returns false when it is longer than either side allows, or the connection is not open.
   */
  sendDatagram(payload: Bytes): boolean {
    if (this.#state !== "open" || this.#peer === undefined) return false;
    const most = Math.min(this.#peer.maxDatagramBytes, this.#peer.maxFrameBytes - RECORD_SLACK_BYTES);
    if (payload.length > Math.min(most, this.#limits.maxDatagramBytes)) return false;
    this.#datagrams.push(payload);
    this.mux.wake();
    return true;
  }

  /**
   * The next record to write, in the order in which they must be written.
   * @param maxBytes - longest record that is wanted now; at least {@link RECORD_SLACK_BYTES}
   * @returns `undefined` when there is nothing to send. The caller owns the record.
   */
  takeOutput(_lane: LaneId, maxBytes: number, now: number): Bytes | undefined {
    this.mux.now = now;
    if (!this.#hasOutput()) return undefined;
    if (this.#magicDue) {
      this.#magicDue = false;
      this.counters.bytesSent += MAGIC.length;
      return MAGIC.slice();
    }
    const into = this.#writer;
    const room = this.#leastRoom;
    const most = this.#mostRoom;
    if (most < room) return undefined;
    const end = Math.max(room, Math.min(maxBytes, most));
    // Room for all that waits: a record that ends with its slab would split it in two.
    into.begin(Math.max(room, Math.min(end, this.mux.outbox.queuedBytes + RECORD_SLACK_BYTES)), end);
    const helloBytes = this.#writeFrames(into, now);
    const early = into.length - helloBytes;
    const record = into.finish(!this.#options.messageBoundaries);
    if (record === undefined) return undefined;
    if (this.#state === "opening") this.#early.sent(early);
    this.counters.recordsSent++;
    this.counters.bytesSent += record.length;
    this.mux.offerWritable();
    return record;
  }

  /** Room that the next record needs at least. */
  get #leastRoom(): number {
    if (this.#helloDue !== undefined) return MAX_HELLO_BYTES + RECORD_SLACK_BYTES;
    return Math.min(
      this.#peerRecordBytes,
      this.mux.outbox.leastRoom + this.#datagrams.nextBytes + RECORD_SLACK_BYTES,
    );
  }

  /** Longest record that may go out now. */
  get #mostRoom(): number {
    if (this.#state !== "opening" || this.#helloDue !== undefined) return this.#peerRecordBytes;
    return Math.min(this.#peerRecordBytes, this.#early.room);
  }

  /** Longest record that the peer accepts. */
  get #peerRecordBytes(): number {
    return (this.#peer?.maxFrameBytes ?? MAX_HELLO_BYTES) + RECORD_SLACK_BYTES;
  }

  #hasOutput(): boolean {
    const { outbox } = this.mux;
    if (this.#state === "closed") return false;
    if (this.#helloDue !== undefined || this.#replies.close !== undefined) return true;
    if (this.#state !== "open" && !(this.#state === "opening" && this.role === "client")) return false;
    return outbox.ready || this.#replies.waiting || !this.#datagrams.empty;
  }

  /** @returns the bytes of the record up to the end of HELLO; 0 when it holds none. */
  #writeFrames(into: RecordWriter, now: number): number {
    const helloBytes = this.#helloDue === undefined ? 0 : this.#writeHello(into, this.#helloDue);
    if (this.#replies.writeClose(into)) {
      this.#state = "closed";
      return helloBytes;
    }
    if (this.#state === "open") this.#replies.write(into, now);
    this.#datagrams.write(into, this.mux.outbox.leastRoom);
    this.mux.outbox.write(into, this.#names, now, this.#keepAlive.leastRoundTripMs);
    return helloBytes;
  }

  #hello(sessionId: Bytes | undefined): Bytes {
    const { codecs, token, agent } = this.#options;
    return encodeHello({
      ...this.#limits,
      codecs,
      ...(token === undefined ? {} : { token }),
      ...(agent === undefined ? {} : { agent }),
      ...(sessionId === undefined ? {} : { sessionId }),
    });
  }

  #writeHello(into: RecordWriter, body: Bytes): number {
    into.frame(FrameType.HELLO, 0, SESSION_ID, body.length);
    into.put(body);
    this.#helloDue = undefined;
    return into.length;
  }

  /** When {@link handleTimeout} must be called, ms; `undefined` for never. */
  get deadline(): number | undefined {
    if (this.#state === "closed" || this.#state === "closing") return undefined;
    if (this.#state !== "open") return this.#handshakeDeadline;
    return earliest(earliest(this.#keepAlive.deadline, this.mux.outbox.deadline), this.mux.deadline);
  }

  /** Do what is due at `now`. */
  handleTimeout(now: number): void {
    this.mux.now = now;
    if (this.#state === "opening" || this.#state === "authenticating") {
      if (now < this.#handshakeDeadline) return;
      const reason = `Handshake took longer than ${this.#limits.handshakeMs} ms`;
      if (this.#peer === undefined) this.#end(new WireError("ERR_TIMEOUT", reason));
      else this.close("ERR_TIMEOUT", reason);
    } else if (this.#state === "open") {
      if (!this.#keepAlive.handleTimeout(now)) this.close("ERR_TIMEOUT", "Peer did not answer");
      this.mux.handleTimeout(now);
      this.mux.outbox.handleTimeout(now);
      this.mux.wake();
    }
  }
}

function earliest(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined ? b : b === undefined ? a : Math.min(a, b);
}
