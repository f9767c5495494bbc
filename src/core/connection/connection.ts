import { type Bytes, EMPTY } from "../bytes.ts";
import {
  type ErrorName,
  errorName,
  ProtocolError,
  StateError,
  StreamError,
  TransportError,
  WireError,
} from "../errors.ts";
import type { SessionEvent } from "../events.ts";
import { type LaneId, MAIN_LANE } from "../lanes/lane.ts";
import { OwnLanes, type PeerLane, peerLane } from "../lanes/lanes.ts";
import { type Limits, MAX_HELLO_BYTES, MAX_NAMES, RECORD_SLACK_BYTES } from "../limits.ts";
import { Resumption } from "../resume/resumption.ts";
import { Mux } from "../streams/mux.ts";
import { MuxInput, readReason } from "../streams/mux-input.ts";
import type { Role } from "../streams/stream-table.ts";
import { BufferPool } from "../wire/buffer-pool.ts";
import { FrameReader, FrameType, SESSION_ID } from "../wire/frame.ts";
import { decodeHello, encodeHello, type Hello } from "../wire/hello.ts";
import { NameReader, NameWriter } from "../wire/names.ts";
import { MAGIC, PLAIN_RECORD, RecordReader, SEALED_RECORD } from "../wire/record.ts";
import { RecordWriter } from "../wire/record-writer.ts";
import { Cursor } from "../wire/varint.ts";
import type { ConnectionCounters, ConnectionOptions, Welcome } from "./connection-options.ts";
import { allows, type ConnectionState } from "./connection-state.ts";
import { DatagramQueue } from "./datagrams.ts";
import { EarlyData } from "./early-data.ts";
import { KeepAlive, OWN_STALL_MS } from "./keep-alive.ts";
import { RateLimit } from "./rate-limit.ts";
import { Replies } from "./replies.ts";

/**
 * The protocol over one live transport, without I/O: bytes and the time go in, records and events come out.
 *
 * Source: docs/protocol.md, sections 3 to 7. The file is long because every transition of the state stands in it.
 */
export class Connection {
  readonly role: Role;
  readonly counters: ConnectionCounters = {
    recordsSent: 0,
    recordsReceived: 0,
    bytesSent: 0,
    bytesReceived: 0,
    bytesSaved: 0,
    pongsDropped: 0,
    datagramsRefused: 0,
  };
  readonly #options: ConnectionOptions;
  readonly #limits: Limits;
  readonly #writer: RecordWriter;
  readonly #frames: FrameReader = new FrameReader();
  readonly #records: RecordReader | undefined;
  /** Lanes that each side may open beside the main one, and those that the peer has. */
  readonly #maxLanes: number;
  #peerLanes: Map<LaneId, PeerLane> | undefined;
  readonly #reader: NameReader = new NameReader(MAX_NAMES);
  #mux: Mux;
  #input: MuxInput;
  readonly #names: NameWriter;
  readonly #datagrams: DatagramQueue;
  readonly #keepAlive: KeepAlive;
  readonly #pings: RateLimit;
  #handshakeDeadline: number;
  #state: ConnectionState = "opening";
  #peer: Hello | undefined;
  #error: WireError | undefined;
  #closedByPeer = false;
  /** Body of the HELLO that must go out. */
  #helloDue: Bytes | undefined;
  #magicDue: boolean;
  readonly #resumption: Resumption;
  readonly #replies: Replies;
  readonly #early: EarlyData;
  /** Longest record that is accepted now. */
  #maxRecordBytes: number;

  constructor(options: ConnectionOptions) {
    const { role, limits, now } = options;
    this.role = role;
    this.#options = options;
    this.#limits = limits;
    this.#mux = options.mux ?? new Mux(role, limits);
    this.#mux.now = now;
    this.#maxLanes = Math.min(options.lanes ?? 0, limits.maxLanes);
    this.#writer = new RecordWriter(options.pool ?? new BufferPool(), options.twoParts, options.compression);
    this.#maxRecordBytes = limits.maxFrameBytes + RECORD_SLACK_BYTES;
    // A client that is not let in yet may send a HELLO and early data, and no more (T1).
    if (role === "server")
      this.#maxRecordBytes = Math.min(this.#maxRecordBytes, MAX_HELLO_BYTES + limits.maxEarlyBytes);
    this.#records = options.messageBoundaries ? undefined : new RecordReader(this.#maxRecordBytes);
    this.#input = new MuxInput(this.#mux, this.#reader);
    this.#names = new NameWriter(Math.min(limits.maxNames, MAX_NAMES));
    const { maxDatagrams, maxDatagramQueueBytes, maxDatagramAgeMs } = limits;
    this.#datagrams = new DatagramQueue(maxDatagrams, maxDatagramQueueBytes, maxDatagramAgeMs);
    this.#keepAlive = new KeepAlive(now, options.watch ?? false);
    this.#replies = new Replies(this.#keepAlive, limits.maxControlReplies);
    this.#early = new EarlyData(limits.maxEarlyBytes);
    this.#pings = new RateLimit(limits.pingsPerSecond, limits.pingsPerSecond);
    this.#handshakeDeadline = now + limits.handshakeMs;
    this.#helloDue = role === "client" ? this.#hello(clientFields(options)) : undefined;
    this.#magicDue = !options.messageBoundaries;
    this.#resumption = new Resumption(options.resume);
  }

  /** The streams that this connection carries. A resumed session brings its own with the `open` event. */
  get mux(): Mux {
    return this.#mux;
  }

  /** Carry other streams from now on. */
  #carry(mux: Mux): void {
    const before = this.#mux;
    mux.wake = before.wake;
    mux.now = before.now;
    before.suspend();
    const { refusing } = this.#input;
    this.#mux = mux;
    this.#input = new MuxInput(mux, this.#reader);
    this.#input.refusing = refusing;
  }

  /** Where this connection stands. */
  get state(): ConnectionState {
    return this.#state;
  }

  /** Why the connection is over; `undefined` while it is not, and when it was closed in order. */
  get error(): WireError | undefined {
    return this.#error;
  }

  /** Whether the peer has said CLOSE: it sends nothing more, and wants nothing more. */
  get closedByPeer(): boolean {
    return this.#closedByPeer;
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
    return this.#mux.poll();
  }

  /**
   * Take bytes from the peer: one record, or any piece of a lane that carries bytes. The connection owns them.
   *
   * Never throws: what is wrong with the bytes ends this connection with a `closed` event and a CLOSE to the peer.
   */
  receive(lane: LaneId, bytes: Bytes, now: number): void {
    if (this.#state === "closing" || this.#state === "closed") return;
    this.#mux.now = now;
    this.#mux.settleUnread();
    this.#keepAlive.heard(bytes.length, now);
    this.counters.bytesReceived += bytes.length;
    try {
      const other = lane === MAIN_LANE ? undefined : this.#peerLane(lane);
      const records = other === undefined ? this.#records : other.records;
      if (records === undefined) this.#receiveRecord(bytes, other);
      else this.#receiveBytes(records, bytes, other);
      if (this.#peerLanes !== undefined && this.#state === "open") this.#bindLanes(this.#peerLanes);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#fail(error);
    }
    // An idle connection must not hold its last record.
    this.#frames.reset(EMPTY, 0);
    if (this.#mux.told.length >= MANY_TOLD) this.#keepAlive.measure(now);
    if (this.#replies.waiting) this.#mux.wake();
  }

  #peerLane(id: LaneId): PeerLane {
    this.#peerLanes ??= new Map();
    const lanes = this.#peerLanes;
    let lane = lanes.get(id);
    if (lane !== undefined) return lane;
    if (lanes.size >= this.#maxLanes)
      throw new ProtocolError("ERR_LIMIT", `Cannot accept lane: limit is ${this.#maxLanes}`);
    lane = peerLane(this.#options.messageBoundaries ? undefined : new RecordReader(this.#longestRecord));
    lanes.set(id, lane);
    return lane;
  }

  #bindLanes(lanes: Map<LaneId, PeerLane>): void {
    for (const lane of lanes.values()) this.#input.bindLane(lane);
  }

  #receiveBytes(records: RecordReader, bytes: Bytes, lane: PeerLane | undefined): void {
    records.push(bytes);
    for (let record = records.next(); record !== undefined; record = records.next()) {
      this.#receiveRecord(record, lane);
      if (this.#state === "closing" || this.#state === "closed") return;
    }
  }

  #receiveRecord(record: Bytes, lane: PeerLane | undefined): void {
    this.counters.recordsReceived++;
    if (lane === undefined && this.#state === "authenticating") {
      this.#early.keep(record, 0);
      return;
    }
    if (record.length > this.#maxRecordBytes) {
      throw new ProtocolError(
        "ERR_FRAME_TOO_LARGE",
        `Cannot accept ${record.length} byte record: limit is ${this.#maxRecordBytes}`,
      );
    }
    const { compression } = this.#options;
    const header = record[0] as number;
    // A peer that is not let in yet has nothing expanded for it.
    if (compression !== undefined && header > PLAIN_RECORD && header < SEALED_RECORD && this.#carries)
      this.#readFrames(compression.expand(record, this.#maxRecordBytes - 1), 0, lane);
    else this.#readFrames(record, this.#checkRecord(record), lane);
  }

  /** Whether both HELLOs are exchanged, and the connection is not over. */
  get #carries(): boolean {
    return this.#state === "open" || this.#state === "resuming";
  }

  #checkRecord(record: Bytes): number {
    if (record.length < 2) throw new ProtocolError("ERR_PROTOCOL", "Cannot accept record: it holds no frame");
    if (record[0] !== PLAIN_RECORD) {
      throw new ProtocolError("ERR_PROTOCOL", `Cannot accept record: header ${record[0]} was not negotiated`);
    }
    return 1;
  }

  #readFrames(record: Bytes, at: number, lane?: PeerLane): void {
    const frames = this.#frames;
    frames.reset(record, at);
    while (frames.next()) {
      if (lane === undefined && !allows(this.#state, frames.type)) this.#refuseFrame();
      const length = frames.bodyEnd - frames.bodyAt;
      if (length > this.#limits.maxFrameBytes) {
        throw new ProtocolError(
          "ERR_FRAME_TOO_LARGE",
          `Cannot accept ${length} byte frame: limit is ${this.#limits.maxFrameBytes}`,
        );
      }
      if (lane !== undefined) {
        this.#applyToLane(frames, lane);
        continue;
      }
      this.#apply(frames);
      if (this.#state === "open" || this.#state === "resuming") continue;
      if (this.#state === "authenticating") this.#early.keep(record, frames.bodyEnd);
      return;
    }
  }

  /** LANE can come before the peer's HELLO: it waits in its lane. Data cannot: it has to be answered first. */
  #applyToLane(frame: FrameReader, lane: PeerLane): void {
    if (frame.type === FrameType.DATA) this.#input.data(frame, lane);
    else if (frame.type === FrameType.LANE) this.#input.beginLane(lane, frame);
    else this.#refuseFrame();
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
      case FrameType.LANE:
        return this.#input.lane(frame);
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
      case FrameType.RESUME:
        return this.#applyResume(frame);
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
      this.#mux.emit({ kind: "authenticate", hello });
      return;
    }
    const { resume, resumeMs = 0 } = this.#options;
    this.#resumption.keeps = hello.resumeToken !== undefined && resumeMs > 0;
    // A peer that pings keeps the connection known to be alive; ask only when it should have done so.
    this.#welcomed(hello, hello.keepAliveMs * 1.5, this.#resumption.answered(resume, hello));
  }

  /** Both HELLOs are exchanged. @param mux - the streams that go on, when some do */
  #welcomed(hello: Hello, keepAliveMs: number, mux: Mux | undefined): void {
    const now = this.#mux.now;
    this.#maxRecordBytes = this.#longestRecord;
    if (this.#records !== undefined) this.#records.maxRecordBytes = this.#maxRecordBytes;
    this.#keepAlive.start(keepAliveMs, now);
    this.#options.compression?.agree(hello.compressors ?? []);
    const lanes = new OwnLanes(Math.min(this.#maxLanes, hello.lanes ?? 0));
    if (mux === undefined) {
      this.#state = "open";
      if (this.#options.claim !== undefined) this.#carry(this.#options.claim());
      this.#mux.outbox.lanes = lanes;
      this.#mux.adopt(hello);
      this.#mux.emit({ kind: "open", hello, resumed: false });
      return;
    }
    this.#state = "resuming";
    this.#handshakeDeadline = now + this.#limits.handshakeMs;
    this.#carry(mux);
    mux.outbox.lanes = lanes;
    this.#resumption.begin(mux);
  }

  #applyResume(frame: FrameReader): void {
    const peer = this.#peer as Hello;
    if (this.#state === "open") {
      // It was sent before our HELLO had said that the session is not known.
      if (!this.#resumption.begun && peer.resumeToken !== undefined && this.role === "server")
        return this.#input.idle();
      this.#refuseFrame();
    }
    if (!this.#resumption.apply(frame)) return;
    this.#state = "open";
    this.#mux.emit({ kind: "open", hello: peer, resumed: true });
  }

  /**
   * Server: let the client in, after the `authenticate` event. What it sent meanwhile is read now.
   * @throws {StateError} when no client waits for it.
   */
  accept(welcome: Welcome, now: number): void {
    const peer = this.#peer;
    if (this.#state !== "authenticating" || peer === undefined) {
      throw new StateError(`Cannot accept client: connection is ${this.#state}`);
    }
    const { mux, resume, sessionId } = welcome;
    this.#resumption.keeps = resume !== undefined;
    this.#helloDue = this.#hello({ sessionId, ...resume, resumed: mux !== undefined });
    this.#mux.now = now;
    if (mux !== undefined) this.#resumption.tell(mux);
    // Measured before anything queues: the base that flow control goes by. The question rides with HELLO.
    this.#keepAlive.pingDue = true;
    this.#welcomed(peer, this.#limits.keepAliveMs, mux);
    try {
      for (const { record, at } of this.#early.take()) {
        if (this.#carries && at < record.length)
          this.#readFrames(record, at > 0 ? at : this.#checkRecord(record));
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#fail(error);
    }
    this.#mux.wake();
  }

  #applyPing(token: number): void {
    if (!this.#pings.take(this.#mux.now)) {
      throw new ProtocolError("ERR_RATE", `Cannot accept ping: over ${this.#limits.pingsPerSecond} a second`);
    }
    this.#replies.pong(token);
    this.counters.pongsDropped = this.#replies.dropped;
  }

  #applyPong(token: number): void {
    const roundTripMs = this.#keepAlive.answered(token, this.#mux.now);
    if (roundTripMs === undefined) return this.#input.idle();
    this.#mux.told.answered();
    this.#mux.emit({ kind: "pong", roundTripMs });
  }

  #applyDatagram(payload: Bytes): void {
    if (payload.length > this.#limits.maxDatagramBytes) this.counters.datagramsRefused++;
    else if (!this.#mux.emitDatagram(payload)) this.counters.datagramsRefused++;
  }

  #applyGoAway(cursor: Cursor): void {
    this.#input.idle();
    const code = errorName(cursor.varint());
    const delayMs = cursor.varint();
    const error = new StreamError(code, readReason(cursor) || "The peer takes no new streams");
    this.#mux.refuse(error);
    this.#mux.emit({ kind: "goaway", error, delayMs });
  }

  #applyClose(cursor: Cursor): void {
    this.#closedByPeer = true;
    const code = errorName(cursor.varint());
    const reason = readReason(cursor) || `Connection was closed by the peer: ${code}`;
    const error = code === "ERR_NONE" ? undefined : new WireError(code, reason);
    this.#end(error, "closed", this.#resumable && SURVIVED.has(code));
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
    this.#mux.wake();
  }

  #end(error: WireError | undefined, state: "closing" | "closed" = "closed", resumable = false): void {
    this.#state = state;
    this.#error = error;
    this.#early.take();
    const { wake } = this.#mux;
    if (resumable) this.#mux.suspend();
    else this.#mux.fail(error);
    this.#mux.emit({ kind: "closed", error, resumable });
    if (resumable) wake();
  }

  /** Whether the streams could go on over another connection if this one were lost. */
  get #resumable(): boolean {
    return this.#carries && this.#resumption.keeps && !this.#mux.told.overflowed;
  }

  /** The connection does not work any more: the streams end with it, unless another one can carry them on. */
  #dead(error: WireError): void {
    if (this.#resumable) this.#end(error, "closed", true);
    else this.close(error.code, error.message);
  }

  /** Another connection carries the streams from now on: tell the peer, if it still listens, and end. */
  supersede(): void {
    if (this.#state === "closed") return;
    this.#carry(new Mux(this.role, this.#limits));
    this.close("ERR_TAKEOVER", "Session goes on over another connection");
  }

  /** The transport is gone. @param error - why; the streams end with it as their cause. */
  lost(error?: WireError): void {
    if (this.#state === "closed") return;
    const told = this.#state === "closing";
    const resumable = this.#resumable;
    this.#state = "closed";
    if (!told) this.#end(error ?? new TransportError("Connection was lost"), "closed", resumable);
  }

  /**
   * Take no new streams from the peer, and tell it; those that are open go on.
   * @param delayMs - how long the peer should wait before it connects again
   */
  goAway(reason: string, delayMs: number): void {
    this.#replies.goAway = { code: "ERR_GOING_AWAY", reason, delayMs };
    this.#input.refusing = true;
    this.#mux.wake();
  }

  /** Ask for a sign of life at once: the process was asleep, or the network has changed. Without one this is over. */
  probe(now: number): void {
    if (this.#state !== "open") return;
    this.#keepAlive.probe(now);
    this.#mux.wake();
  }

  /** Measure the round trip: a `pong` event follows. */
  ping(): void {
    this.#keepAlive.pingDue = true;
    this.#mux.wake();
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
    this.#mux.wake();
    return true;
  }

  /** Drop datagrams that have waited too long, and note since when the others wait. */
  ageDatagrams(now: number): void {
    this.#datagrams.age(now);
  }

  /**
   * The next datagram for a transport that has datagrams itself. What it cannot carry goes into records.
   * @param maxBytes - the longest one that it carries
   */
  takeDatagram(maxBytes: number, now: number): Bytes | undefined {
    this.#datagrams.age(now);
    const payload = this.#datagrams.take(maxBytes);
    if (payload !== undefined) this.counters.bytesSent += payload.length;
    return payload;
  }

  /**
   * Take a datagram that came outside the lanes; before the connection is open it is dropped. It is no sign of life:
   * the lane may stand still while datagrams arrive.
   */
  receiveDatagram(payload: Bytes, now: number): void {
    if (this.#state !== "open") return;
    this.#mux.now = now;
    this.counters.bytesReceived += payload.length;
    this.#applyDatagram(payload);
  }

  /**
   * The next record to write to a lane, in the order in which they must be written.
   * @param lane - the main one, or one of those up to {@link lanes}
   * @param maxBytes - longest record that is wanted now; at least {@link RECORD_SLACK_BYTES}
   * @returns `undefined` when there is nothing to send. The caller owns the record, which goes on with {@link tail}.
   */
  takeOutput(lane: LaneId, maxBytes: number, now: number): Bytes | undefined {
    this.#mux.now = now;
    this.#writer.tail = undefined;
    if (lane !== MAIN_LANE) return this.#takeLane(lane, maxBytes, now);
    this.#datagrams.age(now);
    if (!this.#hasOutput()) return undefined;
    if (this.#magicDue) {
      this.#magicDue = false;
      return this.#magic();
    }
    const into = this.#writer;
    const room = this.#leastRoom;
    const most = this.#mostRoom;
    if (most < room) return undefined;
    const end = Math.max(room, Math.min(maxBytes, most));
    // Room for all that waits: a record that ends with its slab would split it in two.
    const waiting = this.#resumption.waitingBytes + this.#mux.outbox.queuedBytes;
    into.begin(Math.max(room, Math.min(end, waiting + RECORD_SLACK_BYTES)), end);
    const helloBytes = this.#writeFrames(into, now);
    const early = into.length - helloBytes;
    const record = this.#finish(into, now);
    if (record !== undefined && this.#state === "opening") this.#early.sent(early);
    return record;
  }

  /** Lanes that this side has opened beside the main one: they are numbered from 1. */
  get lanes(): number {
    return this.#mux.outbox.lanes?.opened ?? 0;
  }

  #takeLane(lane: LaneId, maxBytes: number, now: number): Bytes | undefined {
    const { outbox } = this.#mux;
    const own = this.#state === "open" ? outbox.lanes?.loaded(lane) : undefined;
    if (own === undefined) return undefined;
    if (own.magicDue) {
      own.magicDue = false;
      if (!this.#options.messageBoundaries) return this.#magic();
    }
    const { send } = own.stream;
    const end = Math.min(maxBytes, this.#peerRecordBytes);
    this.#writer.begin(Math.min(end, send.unsent + send.trailer.length + RECORD_SLACK_BYTES), end);
    outbox.writeLane(this.#writer, own, now);
    const record = this.#finish(this.#writer, now);
    // The reserve may have become free for those that wait on the main lane.
    if (record !== undefined && outbox.ready) this.#mux.wake();
    return record;
  }

  #magic(): Bytes {
    this.counters.bytesSent += MAGIC.length;
    return MAGIC.slice();
  }

  #finish(into: RecordWriter, now: number): Bytes | undefined {
    const record = into.finish(!this.#options.messageBoundaries);
    if (record === undefined) return undefined;
    this.counters.recordsSent++;
    this.counters.bytesSent += record.length + (into.tail?.length ?? 0);
    this.counters.bytesSaved = into.savedBytes;
    this.#keepAlive.wrote(now);
    this.#mux.offerWritable();
    return record;
  }

  /**
   * The second part of the record that {@link takeOutput} has returned last; `undefined` when it has none. It is the
   * payload of a message, and stays that of its stream: nobody changes it.
   */
  get tail(): Bytes | undefined {
    return this.#writer.tail;
  }

  /** Room that the next record needs at least. */
  get #leastRoom(): number {
    if (this.#helloDue !== undefined) return MAX_HELLO_BYTES + RECORD_SLACK_BYTES;
    return Math.min(
      this.#peerRecordBytes,
      this.#mux.outbox.leastRoom + this.#datagrams.nextBytes + RECORD_SLACK_BYTES,
    );
  }

  /** Longest record that may go out now. */
  get #mostRoom(): number {
    if (this.#state !== "opening" || this.#helloDue !== undefined) return this.#peerRecordBytes;
    return Math.min(this.#peerRecordBytes, this.#early.room);
  }

  /** Longest record that this side accepts of a peer that it knows. */
  get #longestRecord(): number {
    return this.#limits.maxFrameBytes + RECORD_SLACK_BYTES;
  }

  /** Longest record that the peer accepts. */
  get #peerRecordBytes(): number {
    return (this.#peer?.maxFrameBytes ?? MAX_HELLO_BYTES) + RECORD_SLACK_BYTES;
  }

  #hasOutput(): boolean {
    const { outbox } = this.#mux;
    if (this.#state === "closed") return false;
    if (this.#helloDue !== undefined || this.#replies.close !== undefined) return true;
    if (this.#resumption.waiting) return this.#state !== "closing";
    if (this.#state === "resuming") return this.#replies.waiting;
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
    if (!this.#resumption.write(into)) return helloBytes;
    if (this.#carries) this.#writeReplies(into, now);
    if (this.#state === "resuming") return helloBytes;
    this.#datagrams.write(into, this.#mux.outbox.leastRoom);
    this.#mux.outbox.write(into, this.#names, now, this.#keepAlive.leastRoundTripMs);
    return helloBytes;
  }

  #writeReplies(into: RecordWriter, now: number): void {
    const asked = this.#keepAlive.pingDue;
    this.#replies.write(into, now);
    if (asked && !this.#keepAlive.pingDue) this.#mux.told.ask();
  }

  #hello(fields: Partial<Hello>): Bytes {
    const { codecs, compression, token, agent } = this.#options;
    return encodeHello({
      ...this.#limits,
      codecs,
      ...(compression === undefined ? {} : { compressors: compression.numbers }),
      ...(token === undefined ? {} : { token }),
      ...(agent === undefined ? {} : { agent }),
      ...(this.#maxLanes === 0 ? {} : { lanes: this.#maxLanes }),
      ...fields,
    });
  }

  #writeHello(into: RecordWriter, body: Bytes): number {
    into.frame(FrameType.HELLO, 0, SESSION_ID, body.length);
    into.put(body);
    into.plain = true;
    this.#helloDue = undefined;
    return into.length;
  }

  /** When {@link handleTimeout} must be called, ms; `undefined` for never. */
  get deadline(): number | undefined {
    if (this.#state === "closed" || this.#state === "closing") return undefined;
    if (this.#state !== "open") return this.#handshakeDeadline;
    return earliest(earliest(this.#keepAlive.deadline, this.#mux.outbox.deadline), this.#mux.deadline);
  }

  /** Do what is due at `now`. */
  handleTimeout(now: number): void {
    this.#mux.now = now;
    if (this.#state === "opening" || this.#state === "authenticating" || this.#state === "resuming") {
      if (now < this.#handshakeDeadline) return;
      const reason = `Handshake took longer than ${this.#limits.handshakeMs} ms`;
      if (this.#peer === undefined) this.#end(new WireError("ERR_TIMEOUT", reason));
      else this.#dead(new WireError("ERR_TIMEOUT", reason));
    } else if (this.#state === "open") {
      // This process stood still, and what its peers sent meanwhile is not read yet: its time counts for nobody.
      if (now - (this.deadline ?? now) > OWN_STALL_MS) this.#mux.awake();
      if (this.#keepAlive.stalled(now)) this.#mux.emit({ kind: "stalled" });
      if (!this.#keepAlive.handleTimeout(now))
        this.#dead(new WireError("ERR_TIMEOUT", "Peer did not answer"));
      if (this.state !== "open") return;
      this.#mux.handleTimeout(now);
      this.#mux.outbox.handleTimeout(now);
      this.#mux.wake();
    }
  }
}

/** RESETs and STOPs that are not known to have arrived: with so many it is time to ask. */
const MANY_TOLD = 32;

/** Codes of a CLOSE after which the streams can go on over another connection. */
const SURVIVED: ReadonlySet<ErrorName> = new Set(["ERR_TIMEOUT", "ERR_TAKEOVER", "ERR_OVERLOADED"]);

/** What a client says of the session that it is, or wants to carry on. */
function clientFields({ resume, resumeMs }: ConnectionOptions): Partial<Hello> {
  return {
    ...(resumeMs === undefined ? {} : { resumeMs }),
    ...(resume === undefined ? {} : { sessionId: resume.sessionId, resumeToken: resume.resumeToken }),
    ...(resume?.attempt === undefined ? {} : { resumeAttempt: resume.attempt }),
  };
}

function earliest(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined ? b : b === undefined ? a : Math.min(a, b);
}
