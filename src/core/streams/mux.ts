import { type Bytes, EMPTY } from "../bytes.ts";
import type { StreamError, WireError } from "../errors.ts";
import type { SessionEvent } from "../events.ts";
import { MAIN_LANE } from "../lanes/lane.ts";
import type { Limits } from "../limits.ts";
import { Queue } from "../queue.ts";
import { Told } from "../resume/told.ts";
import { Outbox } from "../sending/outbox.ts";
import { DEFAULT_PRIORITY } from "../sending/scheduler.ts";
import { SESSION_ID } from "../wire/frame.ts";
import type { Hello } from "../wire/hello.ts";
import type { Metadata } from "../wire/metadata.ts";
import { Assembly } from "./assembly.ts";
import * as Control from "./control.ts";
import { FIN_CHARGE, MESSAGE_CHARGE, ReceiveWindow } from "./flow.ts";
import { lend } from "./lending.ts";
import { PeerBounds } from "./peer-bounds.ts";
import { ReceiveHalf } from "./receive-half.ts";
import { SendHalf } from "./send-half.ts";
import { StallWatch } from "./stall-watch.ts";
import { checkStart, Stream, type StreamStart, WAITS } from "./stream.ts";
import { endError, endStream, lostError, settle } from "./stream-end.ts";
import { type Role, StreamTable } from "./stream-table.ts";
import { offerAllWritable, offerWritable, requestWritable } from "./writable.ts";

/**
 * The streams of one session: the table, the credit of both directions and what waits to be sent. It outlives its
 * connection; frames reach it through `MuxInput`, and a record takes what it has through {@link outbox}.
 */
export class Mux {
  readonly limits: Limits;
  readonly table: StreamTable;
  /** Credit that this side gives for all streams together. */
  readonly window: ReceiveWindow;
  readonly outbox: Outbox;
  /** The messages whose end is not here. */
  readonly assembly: Assembly;
  /** RESETs and STOPs that the peer may not have seen. */
  readonly told: Told = new Told();
  /** The peer's HELLO, the first one of the session. */
  peer: Hello | undefined;
  /** Whether a connection carries the streams now. Without one, all that must be told waits as a frame. */
  live = true;
  /** Time of the last call that brought one, ms. */
  now = 0;
  /**
   * Called when there is output where there was none. Set by who owns the transport.
   * @param complete - a call or an answer is whole: what waits may leave at once
   */
  wake: (complete?: boolean) => void = () => {};
  readonly #bounds: PeerBounds = new PeerBounds();
  /** Gives up what does not move in time. */
  readonly stalls: StallWatch = new StallWatch(this);
  /** Why no stream can be opened. */
  #refusal: StreamError | undefined;
  /** The session is over, and why. */
  #end: { readonly cause: WireError | undefined } | undefined;
  /** Streams whose `trySend` said no. */
  waiting: Set<Stream> | undefined;
  /** Charged bytes that were sent again over a later connection. */
  resentBytes = 0;
  /** Datagrams among the events. */
  datagramsWaiting = 0;
  /** Messages that came since {@link settleUnread}, without those that were borrowed. */
  held = 0;
  /** The last stream that became readable since then; {@link Stream.freshBefore} leads to the others. */
  #freshest: Stream | undefined;
  readonly #events: Queue<SessionEvent> = new Queue();

  constructor(role: Role, limits: Limits) {
    this.limits = limits;
    this.table = new StreamTable(role, limits.maxStreams);
    this.window = new ReceiveWindow(limits.sessionWindowBytes, limits.maxSessionWindowBytes);
    this.assembly = new Assembly(limits.assemblyMs, this.window);
    this.outbox = new Outbox(this.table, this.window, this.told, limits.maxRetainedBytes, (stream) =>
      settle(this, stream),
    );
  }

  /** The oldest event; `undefined` when there is none. */
  poll(): SessionEvent | undefined {
    const event = this.#events.shift();
    if (event === undefined) return undefined;
    if (event.kind === "readable") event.stream.readableQueued = false;
    else if (event.kind === "datagram") this.datagramsWaiting--;
    return event;
  }

  /** Add an event. */
  emit(event: SessionEvent): void {
    this.#events.push(event);
  }

  /** Add a datagram. @returns false when as many as the limit wait to be heard: it is dropped. */
  emitDatagram(payload: Bytes): boolean {
    if (this.datagramsWaiting >= this.limits.maxDatagrams) return false;
    this.datagramsWaiting++;
    this.emit({ kind: "datagram", payload });
    return true;
  }

  /** Say once that a stream has something to read. */
  emitReadable(stream: Stream): void {
    this.held++;
    if (stream.freshBefore === undefined) {
      stream.freshBefore = this.#freshest ?? stream;
      this.#freshest = stream;
    }
    if (stream.readableQueued) return;
    stream.readableQueued = true;
    this.emit(stream.readable);
  }

  /** Bytes of another record come: what was not read of those before must not hold their whole records. */
  settleUnread(): void {
    this.held = 0;
    let stream = this.#freshest;
    this.#freshest = undefined;
    while (stream !== undefined) {
      const next: Stream | undefined = stream.freshBefore === stream ? undefined : stream.freshBefore;
      stream.freshBefore = undefined;
      stream.receive.settle();
      stream = next;
    }
  }

  /** The peer's HELLO: its numbers replace the early ones. */
  adopt(hello: Hello): void {
    this.peer = hello;
    this.#bounds.adopt(hello);
    this.outbox.limit = Math.max(this.outbox.limit, hello.sessionWindowBytes);
    this.table.adopt(hello.maxStreams);
    const unopened = this.outbox.takeUnopened();
    for (const stream of [...this.table.values(), ...unopened]) {
      stream.send.adopt(hello.streamWindowBytes, hello.maxFrameBytes);
      const error = this.#bounds.streamError(stream);
      if (error !== undefined) this.giveUp(stream, error);
      else if (stream.send.unsent > 0 || stream.id === SESSION_ID) this.outbox.schedule(stream);
      offerWritable(this, stream, this.limits.maxQueuedBytes);
    }
    this.outbox.unblock();
    this.wake();
  }

  /**
   * Open a stream. Nothing is sent before it is finished or the task ends; the number comes with the first frame.
   * @throws {StreamError} when the session takes no new streams.
   * @throws {RangeError} when the name is too long.
   */
  open(start: StreamStart): Stream {
    if (this.#end !== undefined) throw endError(this.#end.cause);
    if (this.#refusal !== undefined) throw this.#refusal;
    checkStart(start);
    const stream = this.create(true, start, undefined);
    const error = this.#bounds.streamError(stream);
    if (error !== undefined) throw new RangeError(error.message);
    this.schedule(stream);
    return stream;
  }

  /** A stream with both halves, in no table yet. */
  create(local: boolean, start: StreamStart, metadata: Metadata | undefined): Stream {
    const send = new SendHalf(this.#bounds.streamWindow, this.#bounds.frameBytes);
    return new Stream(this, local, start, metadata, send, new ReceiveHalf(this.limits));
  }

  /** A stream that the peer opens. */
  accept(name: string, metadata: Metadata | undefined): Stream {
    const stream = this.create(
      false,
      {
        name,
        priority: metadata?.priority ?? DEFAULT_PRIORITY,
        ownLane: metadata?.ownLane,
        metadata: EMPTY,
      },
      metadata,
    );
    if (metadata?.compress === false) stream.compress = false;
    return stream;
  }

  /** From now on {@link open} throws `error`; streams that were never sent end with it. */
  refuse(error: StreamError): void {
    this.#refusal = error;
    for (const stream of this.outbox.takeUnopened()) endStream(this, stream, error);
  }

  /** See {@link Stream.trySend}. */
  send(stream: Stream, payload: Bytes): boolean {
    const { send } = stream;
    if (send.finishing || send.closed) throw stream.sendError;
    const error = this.#bounds.messageError(payload.length);
    if (error !== undefined) throw error;
    if (!requestWritable(this, stream)) return false;
    if (send.unsent === 0) stream.progressAt = WAITS;
    send.push(payload);
    this.outbox.queuedBytes += payload.length + MESSAGE_CHARGE;
    if (!stream.scheduled) this.schedule(stream);
    return true;
  }

  /** See {@link Stream.finish}. */
  finish(stream: Stream, trailer: Bytes): void {
    const { send } = stream;
    if (send.closed || send.finishing) return;
    const error = this.#bounds.metadataError(trailer.length);
    if (error !== undefined) throw new RangeError(error.message);
    if (send.unsent === 0) stream.progressAt = WAITS;
    send.finish(trailer);
    this.outbox.queuedBytes += FIN_CHARGE;
    this.schedule(stream, true);
  }

  /** A stream has something to send. @param complete - see {@link wake} */
  schedule(stream: Stream, complete?: boolean): void {
    this.outbox.schedule(stream);
    this.wake(complete);
  }

  /** Credit of a stream was raised. */
  credited(stream: Stream): void {
    stream.progressAt = this.now;
    if (stream.send.unsent > 0) this.schedule(stream);
    offerWritable(this, stream, this.limits.maxQueuedBytes);
  }

  /** See {@link Stream.read}. */
  read(stream: Stream, borrow?: boolean): Bytes | undefined {
    const { receive } = stream;
    const isFresh = receive.settled === 0;
    const message = receive.shift();
    if (message !== undefined) {
      if (borrow && isFresh) this.held--;
      this.consume(stream, message.length + MESSAGE_CHARGE);
    }
    if (receive.atEnd) {
      receive.ended = true;
      this.consume(stream, 1);
      this.outbox.delivered(stream, this.now);
      this.wake();
      settle(this, stream);
    }
    return message;
  }

  /** Count bytes that the application took, or that are dropped. */
  consume(stream: Stream, charge: number): void {
    const { receive } = stream;
    if (receive.window.consume(charge) && !receive.finished) this.control(stream, Control.WINDOW);
    if (this.window.consume(charge)) this.sessionWindowDue();
    lend(this);
  }

  /** The session's WINDOW must be sent. */
  sessionWindowDue(): void {
    this.outbox.windowDue = true;
    this.wake();
  }

  /** Queue a control frame of a stream. */
  control(stream: Stream, bit: number): void {
    this.outbox.control(stream, bit);
    this.wake();
  }

  /** See {@link Stream.reset}. */
  resetStream(stream: Stream, error: StreamError): void {
    const { send } = stream;
    if (send.closed) return;
    stream.failure = stream.resetReason = error;
    this.dropUnsent(stream);
    if (stream.id === SESSION_ID) endStream(this, stream, error);
    // Where FIN was sent, the peer has everything already, unless the connection is lost on the way.
    else if (send.finished && this.live && stream.lane === MAIN_LANE) this.told.add(stream, Control.RESET);
    else this.control(stream, Control.RESET);
    settle(this, stream);
    offerAllWritable(this);
  }

  /** Reset a stream although the application did not ask for it. */
  giveUp(stream: Stream, error: StreamError): void {
    if (stream.send.closed) return;
    this.resetStream(stream, error);
    this.emit({ kind: "stopped", stream, error });
  }

  /** Forget what a stream has not sent, and keep nothing of what it has. */
  dropUnsent(stream: Stream): void {
    this.outbox.queuedBytes -= stream.send.unsent;
    this.outbox.retainedBytes -= stream.send.retained;
    stream.send.reset();
    this.outbox.forget(stream);
    this.waiting?.delete(stream);
  }

  /** See {@link Stream.stop}. */
  stopStream(stream: Stream, error: StreamError): void {
    const { receive } = stream;
    if (receive.ended || receive.discarding || receive.error !== undefined) return;
    receive.error = error;
    receive.discarding = true;
    this.dropUnread(stream);
    if (receive.finished) {
      receive.ended = true;
      this.outbox.delivered(stream, this.now);
      this.wake();
    } else {
      this.control(stream, Control.STOP);
    }
    settle(this, stream);
  }

  /** Drop the messages that wait, and give their credit back to the session. */
  dropUnread(stream: Stream): void {
    const unread = stream.receive.clear();
    this.assembly.delete(stream, this.now);
    stream.receive.window.consumed += unread;
    if (this.window.consume(unread)) this.sessionWindowDue();
    lend(this);
  }

  /** See {@link Stream.release}. */
  release(stream: Stream): void {
    stream.released = true;
    settle(this, stream);
  }

  /** End every stream: the connection is gone and cannot be resumed. */
  fail(cause: WireError | undefined): void {
    if (this.#end !== undefined) return;
    this.#end = { cause };
    const streams = [...this.outbox.takeUnopened(), ...this.table.values()];
    for (const stream of streams) endStream(this, stream, lostError(stream, cause));
    this.table.clear();
    this.outbox.clear();
    this.assembly.clear();
  }

  /** Whether the session has ended for all its streams. */
  get over(): boolean {
    return this.#end !== undefined;
  }

  /** No connection carries the streams: they wait for the next one. */
  suspend(): void {
    this.live = false;
    this.#refusal = undefined; // that was of the connection
    this.told.interrupt();
    this.outbox.lanes = undefined;
    this.assembly.disorder();
    for (const stream of this.table.values()) {
      stream.lane = MAIN_LANE;
      stream.receive.lane = undefined;
    }
    this.wake = () => {};
  }

  /** Bytes of messages that this side holds: sent and kept, queued, or not read. */
  get heldBytes(): number {
    const { outbox, window } = this;
    return outbox.retainedBytes + outbox.queuedBytes + window.received - window.consumed;
  }

  /** The peer's RESUME was applied: go on. */
  restart(): void {
    this.live = true;
    this.stalls.restart();
    for (const stream of this.table.values()) offerWritable(this, stream, this.limits.maxQueuedBytes);
    this.outbox.unblock();
    this.wake();
  }
}
