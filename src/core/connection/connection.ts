import type { Bytes } from "../bytes.ts";
import { type ErrorName, type ProtocolError, TransportError, WireError } from "../errors.ts";
import type { SessionEvent } from "../events.ts";
import type { LaneId } from "../lanes/lane.ts";
import { type Limits, MAX_HELLO_BYTES, MAX_NAMES, RECORD_SLACK_BYTES } from "../limits.ts";
import { Resumption } from "../resume/resumption.ts";
import { Mux } from "../streams/mux.ts";
import { MuxInput } from "../streams/mux-input.ts";
import { NEVER } from "../time.ts";
import type { Hello } from "../wire/hello.ts";
import { NameReader } from "../wire/names.ts";
import type { ConnectionCounters, ConnectionOptions, Welcome } from "./connection-options.ts";
import type { ConnectionState } from "./connection-state.ts";
import { DatagramQueue } from "./datagrams.ts";
import { EarlyData } from "./early-data.ts";
import { acceptClient, clientHello } from "./handshake.ts";
import { KeepAlive, OWN_STALL_MS } from "./keep-alive.ts";
import { RateLimit } from "./rate-limit.ts";
import { RecordInput } from "./record-input.ts";
import { RecordOutput } from "./record-output.ts";
import { Replies } from "./replies.ts";
import { applyDatagram } from "./session-input.ts";

/** Codes of a CLOSE after which the streams can go on over another connection. */
const SURVIVED: ReadonlySet<ErrorName> = new Set(["ERR_TIMEOUT", "ERR_TAKEOVER", "ERR_OVERLOADED"]);

/**
 * The protocol over one live transport, without I/O: bytes and the time go in, records and events come out.
 *
 * Here is where the connection stands, and every way in which it can end. `handshake.ts` leads it to `open`,
 * {@link RecordInput} reads what comes, {@link RecordOutput} writes what goes: they share what is public here.
 *
 * Source: docs/protocol.md, sections 3 to 7.
 */
export class Connection {
  readonly options: ConnectionOptions;
  readonly limits: Limits;
  readonly counters: ConnectionCounters = {
    recordsSent: 0,
    recordsReceived: 0,
    bytesSent: 0,
    bytesReceived: 0,
    bytesSaved: 0,
    pongsDropped: 0,
    datagramsRefused: 0,
  };
  /** Where this connection stands. */
  state: ConnectionState = "opening";
  /** The peer's HELLO, once it is here. */
  peer: Hello | undefined;
  /** Why the connection is over; `undefined` while it is not, and when it was closed in order. */
  error: WireError | undefined;
  /** Whether the peer has said CLOSE: it sends nothing more, and wants nothing more. */
  closedByPeer = false;
  /** The streams that this connection carries. A resumed session brings its own with the `open` event. */
  mux: Mux;
  /** Applies the peer's frames to them. */
  input: MuxInput;
  readonly keepAlive: KeepAlive;
  readonly replies: Replies;
  readonly pings: RateLimit;
  readonly early: EarlyData;
  readonly resumption: Resumption;
  readonly datagrams: DatagramQueue;
  /** Lanes that each side may open beside the main one. */
  readonly maxLanes: number;
  /** Body of the HELLO that must go out. */
  helloDue: Bytes | undefined;
  /** When the handshake must be done, ms. */
  handshakeDeadline: number;
  readonly #names: NameReader = new NameReader(MAX_NAMES);
  readonly #input: RecordInput;
  readonly #output: RecordOutput;

  constructor(options: ConnectionOptions) {
    const { limits, now, role } = options;
    this.options = options;
    this.limits = limits;
    this.mux = options.mux ?? new Mux(role, limits);
    this.mux.now = now;
    this.input = new MuxInput(this.mux, this.#names);
    this.keepAlive = new KeepAlive(now, options.watch ?? false);
    this.replies = new Replies(this.keepAlive, limits.maxControlReplies);
    this.pings = new RateLimit(limits.pingsPerSecond, limits.pingsPerSecond);
    this.early = new EarlyData(limits.maxEarlyBytes);
    this.resumption = new Resumption(options.resume);
    const { maxDatagrams, maxDatagramQueueBytes, maxDatagramAgeMs } = limits;
    this.datagrams = new DatagramQueue(maxDatagrams, maxDatagramQueueBytes, maxDatagramAgeMs);
    this.maxLanes = Math.min(options.lanes ?? 0, limits.maxLanes);
    this.handshakeDeadline = now + limits.handshakeMs;
    this.helloDue = role === "client" ? clientHello(this) : undefined;
    this.#input = new RecordInput(this);
    this.#output = new RecordOutput(this);
  }

  /** Whether both HELLOs are exchanged, and the connection is not over. */
  get carries(): boolean {
    return this.state === "open" || this.state === "resuming";
  }

  /** Whether nothing that the peer says counts any more. */
  get over(): boolean {
    return this.state === "closing" || this.state === "closed";
  }

  /** Longest record that the peer accepts. */
  get peerRecordBytes(): number {
    return (this.peer?.maxFrameBytes ?? MAX_HELLO_BYTES) + RECORD_SLACK_BYTES;
  }

  /** The oldest thing that the application must hear; `undefined` when there is none. */
  poll(): SessionEvent | undefined {
    return this.mux.poll();
  }

  /**
   * Take bytes from the peer: one record, the connection's, or any piece of a lane that carries bytes, which is not kept.
   *
   * Never throws: what is wrong with the bytes ends this connection with a `closed` event and a CLOSE to the peer.
   * When its events were handled, {@link release} says whether a record is the caller's again.
   */
  receive(lane: LaneId, bytes: Bytes, now: number): void {
    this.#input.receive(lane, bytes, now);
  }

  /**
   * The events of the bytes that were received last were handled: what a lane of bytes brought lies in memory that is used
   * again, unless something of it is held.
   * @returns whether something of those bytes may be held.
   */
  release(): boolean {
    return this.#input.release();
  }

  /**
   * Server: let the client in, after the `authenticate` event. What it sent meanwhile is read now.
   * @throws {StateError} when no client waits for it.
   */
  accept(welcome: Welcome, now: number): void {
    acceptClient(this, welcome, now);
    this.#input.welcomed();
  }

  /** Carry other streams from now on. */
  carry(mux: Mux): void {
    const before = this.mux;
    mux.wake = before.wake;
    mux.now = before.now;
    before.suspend();
    const { refusing } = this.input;
    this.mux = mux;
    this.input = new MuxInput(mux, this.#names);
    this.input.refusing = refusing;
  }

  /** The peer broke the protocol: say so to both sides. A peer that never said HELLO gets no answer (T34). */
  fail(error: ProtocolError): void {
    const stranger =
      this.options.role === "server" && this.peer === undefined && error.code !== "ERR_VERSION";
    if (stranger) this.end(error);
    else this.#shut(error.code, error.message, error);
  }

  /** Close in order, or with an error. Streams that are open end with it; nothing that waits is sent. */
  close(code: ErrorName = "ERR_NONE", reason = ""): void {
    if (!this.over) this.#shut(code, reason, code === "ERR_NONE" ? undefined : new WireError(code, reason));
  }

  #shut(code: ErrorName, reason: string, error: WireError | undefined): void {
    this.replies.close = { code, reason };
    this.end(error, "closing");
    this.mux.wake();
  }

  /** Over, without a word to the peer. @param resumable - another connection can carry the streams on */
  end(error: WireError | undefined, state: "closing" | "closed" = "closed", resumable = false): void {
    this.state = state;
    this.error = error;
    this.early.take();
    const { mux } = this;
    const { wake } = mux;
    if (resumable) mux.suspend();
    else mux.fail(error);
    mux.emit({ kind: "closed", error, resumable });
    if (resumable) wake();
  }

  /** The peer has said CLOSE. */
  closed(code: ErrorName, reason: string): void {
    this.closedByPeer = true;
    const error = code === "ERR_NONE" ? undefined : new WireError(code, reason);
    this.end(error, "closed", this.#resumable && SURVIVED.has(code));
  }

  /** Whether the streams could go on over another connection if this one were lost. */
  get #resumable(): boolean {
    return this.carries && this.resumption.keeps && !this.mux.told.overflowed;
  }

  /** The connection does not work any more: the streams end with it, unless another one can carry them on. */
  dead(reason: string): void {
    if (this.#resumable) this.end(new WireError("ERR_TIMEOUT", reason), "closed", true);
    else this.close("ERR_TIMEOUT", reason);
  }

  /** The transport is gone. @param error - why; the streams end with it as their cause. */
  lost(error?: WireError): void {
    if (this.state === "closed") return;
    const told = this.state === "closing";
    const resumable = this.#resumable;
    this.state = "closed";
    if (!told) this.end(error ?? new TransportError("Connection was lost"), "closed", resumable);
  }

  /** Another connection carries the streams from now on: tell the peer, if it still listens, and end. */
  supersede(): void {
    if (this.state === "closed") return;
    this.carry(new Mux(this.options.role, this.limits));
    this.close("ERR_TAKEOVER", "Session goes on over another connection");
  }

  /**
   * Take no new streams from the peer, and tell it; those that are open go on.
   * @param delayMs - how long the peer should wait before it connects again
   */
  goAway(reason: string, delayMs: number): void {
    this.replies.goAway = { code: "ERR_GOING_AWAY", reason, delayMs };
    this.input.refusing = true;
    this.mux.wake();
  }

  /** Ask for a sign of life at once: the process was asleep, or the network has changed. Without one this is over. */
  probe(now: number): void {
    if (this.state !== "open") return;
    this.keepAlive.probe(now);
    this.mux.wake();
  }

  /** Measure the round trip: a `pong` event follows. */
  ping(): void {
    this.keepAlive.pingDue = true;
    this.mux.wake();
  }

  /**
   * Queue a datagram; the oldest ones are dropped when too many wait.
   * @returns false when it is longer than either side allows, or the connection is not open.
   */
  sendDatagram(payload: Bytes): boolean {
    const { limits, mux, peer, state } = this;
    if (state !== "open" || peer === undefined) return false;
    const most = Math.min(peer.maxDatagramBytes, peer.maxFrameBytes - RECORD_SLACK_BYTES);
    if (payload.length > Math.min(most, limits.maxDatagramBytes)) return false;
    this.datagrams.push(payload);
    mux.wake();
    return true;
  }

  /**
   * The next datagram for a transport that has datagrams itself. What it cannot carry goes into records.
   * @param maxBytes - the longest one that it carries
   */
  takeDatagram(maxBytes: number, now: number): Bytes | undefined {
    this.datagrams.age(now);
    const payload = this.datagrams.take(maxBytes);
    if (payload !== undefined) this.counters.bytesSent += payload.length;
    return payload;
  }

  /**
   * Take a datagram that came outside the lanes; before the connection is open it is dropped. It is no sign of life:
   * the lane may stand still while datagrams arrive.
   */
  receiveDatagram(payload: Bytes, now: number): void {
    if (this.state !== "open") return;
    this.mux.now = now;
    this.counters.bytesReceived += payload.length;
    applyDatagram(this, payload);
  }

  /**
   * The next record to write to a lane, in the order in which they must be written.
   * @param lane - the main one, or one of those up to {@link lanes}
   * @param maxBytes - longest record that is wanted now; at least {@link RECORD_SLACK_BYTES}
   * @returns `undefined` when there is nothing to send. The caller owns the record, which goes on with {@link tail}.
   */
  takeOutput(lane: LaneId, maxBytes: number, now: number): Bytes | undefined {
    return this.#output.take(lane, maxBytes, now);
  }

  /**
   * The second part of the record that {@link takeOutput} has returned last; `undefined` when it has none. It is the
   * payload of a message, and stays that of its stream: nobody changes it.
   */
  get tail(): Bytes | undefined {
    return this.#output.tail;
  }

  /** Lanes that this side has opened beside the main one: they are numbered from 1. */
  get lanes(): number {
    return this.mux.outbox.lanes?.opened ?? 0;
  }

  /** When {@link handleTimeout} must be called, ms; infinite for never. */
  get deadline(): number {
    const { keepAlive, mux, over, state } = this;
    if (over) return NEVER;
    if (state !== "open") return this.handshakeDeadline;
    return Math.min(keepAlive.deadline, mux.outbox.deadline, mux.stalls.deadline);
  }

  /** Do what is due at `now`. */
  handleTimeout(now: number): void {
    const { keepAlive, limits, mux, over, peer, state } = this;
    mux.now = now;
    if (over) return;
    if (state !== "open") {
      if (now < this.handshakeDeadline) return;
      const reason = `Handshake took longer than ${limits.handshakeMs} ms`;
      if (peer === undefined) this.end(new WireError("ERR_TIMEOUT", reason));
      else this.dead(reason);
      return;
    }
    // This process stood still, and what its peers sent meanwhile is not read yet: its time counts for nobody.
    if (now - this.deadline > OWN_STALL_MS) mux.stalls.restart();
    if (keepAlive.stalled(now)) mux.emit({ kind: "stalled" });
    if (!keepAlive.handleTimeout(now)) this.dead("Peer did not answer");
    if (this.state !== "open") return;
    mux.stalls.handleTimeout(now);
    mux.outbox.handleTimeout(now);
    mux.wake();
  }
}
