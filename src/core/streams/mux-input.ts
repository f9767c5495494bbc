import { RateLimit } from "../connection/rate-limit.ts";
import { errorName, ProtocolError, StreamError } from "../errors.ts";
import type { PeerLane } from "../lanes/lanes.ts";
import { type FrameReader, SESSION_ID } from "../wire/frame.ts";
import * as FrameFlag from "../wire/frame-flag.ts";
import * as FrameType from "../wire/frame-type.ts";
import { decodeMetadata, type Metadata } from "../wire/metadata.ts";
import type { NameReader } from "../wire/names.ts";
import { readReason } from "../wire/reason.ts";
import * as Control from "./control.ts";
import { checkCredit, FIN_CHARGE, MESSAGE_CHARGE } from "./flow.ts";
import { assembled, lendTo } from "./lending.ts";
import type { Mux } from "./mux.ts";
import type { Stream } from "./stream.ts";
import { endedByReset, endedByStop, settle } from "./stream-end.ts";

/** A WINDOW that moves less than this counts as a frame that does nothing: grants come by half a window, others behind data. */
const LEAST_PROGRESS = 256;

/** Applies the frames of one connection to the streams of a session. Every bound is checked before anything is kept. */
export class MuxInput {
  readonly #mux: Mux;
  readonly #names: NameReader;
  readonly #resets: RateLimit;
  /** Frames in a row that moved nothing. */
  #idleFrames = 0;
  /** Whether streams that the peer opens are refused. */
  refusing = false;

  constructor(mux: Mux, names: NameReader) {
    this.#mux = mux;
    this.#names = names;
    this.#resets = new RateLimit(mux.limits.resetsPerSecond, mux.limits.resetBurst);
  }

  /** OPEN: label, metadata with EXT, the first message or a part of it. */
  open(frame: FrameReader): void {
    const mux = this.#mux;
    mux.table.checkAccept(frame.stream);
    const cursor = frame.body();
    const name = this.#names.read(cursor);
    const metadata = (frame.flags & FrameFlag.EXT) !== 0 ? decodeMetadata(cursor, mux.limits) : undefined;
    const stream = mux.accept(name, metadata);
    stream.id = frame.stream;
    mux.table.accept(stream);
    this.#idleFrames = 0;
    if (this.refusing) {
      const error = new StreamError("ERR_GOING_AWAY", "Cannot open stream: this side is going away");
      mux.stopStream(stream, error);
      mux.resetStream(stream, error);
      mux.release(stream);
    } else mux.emit({ kind: "stream", stream });
    this.#deliver(stream, frame, cursor.at, undefined);
  }

  /**
   * DATA: a message or a part of it, with FIN possibly the end, and then metadata with EXT.
   * @param lane - that it came on; `undefined` for the main one
   */
  data(frame: FrameReader, lane?: PeerLane): void {
    const stream = lane === undefined ? this.#mux.table.find(frame.stream) : lane.stream;
    if (stream === undefined || stream.receive.lane !== lane || stream.id !== frame.stream)
      throw new ProtocolError(
        "ERR_PROTOCOL",
        `Cannot accept data: stream ${frame.stream} is over, or not on this lane`,
      );
    let at = frame.bodyAt;
    let trailer: Metadata | undefined;
    if ((frame.flags & FrameFlag.EXT) !== 0) {
      if ((frame.flags & FrameFlag.FIN) === 0)
        throw new ProtocolError("ERR_PROTOCOL", "Cannot accept metadata: not with FIN");
      const cursor = frame.body();
      trailer = decodeMetadata(cursor, this.#mux.limits);
      at = cursor.at;
    }
    this.#deliver(stream, frame, at, trailer, lane);
  }

  #deliver(
    stream: Stream,
    frame: FrameReader,
    at: number,
    trailer: Metadata | undefined,
    lane?: PeerLane,
  ): void {
    const mux = this.#mux;
    const { receive } = stream;
    const more = (frame.flags & FrameFlag.MORE) !== 0;
    const fin = (frame.flags & FrameFlag.FIN) !== 0;
    const length = frame.bodyEnd - at;
    const charge = length + (more ? 0 : MESSAGE_CHARGE) + (fin ? FIN_CHARGE : 0);
    if (lane !== undefined) lane.position += charge;
    if (receive.finished) {
      // A RESET on the main lane has overtaken it, and has counted it.
      if (charge === 0) return this.idle();
      if (lane !== undefined && lane.position <= receive.window.received) return;
      throw new ProtocolError("ERR_PROTOCOL", `Cannot accept data: stream ${stream.id} has ended`);
    }
    if (fin && more && length > 0)
      throw new ProtocolError("ERR_PROTOCOL", "Cannot end stream: its last message is not finished");
    receive.window.receive(charge);
    mux.window.receive(charge);
    if (charge > 0) this.#idleFrames = 0;
    else if (frame.type === FrameType.DATA) this.idle();
    if (receive.discarding) {
      this.#discard(stream, charge, fin);
      return;
    }
    const wasUnfinished = receive.unfinished;
    if (length > 0 || !more) receive.push(frame.payload(at), more);
    if (wasUnfinished || receive.unfinished) assembled(mux, stream);
    if (fin) receive.finish(trailer);
    if (fin || !more) mux.emitReadable(stream);
  }

  /**
   * LANE on the main lane: the peer waits for our half of the stream on the lane that we have named. With a body: the
   * message of its half that began at that position is lent to.
   */
  lane(frame: FrameReader): void {
    const { outbox, table } = this.#mux;
    const stream = table.find(frame.stream);
    if (frame.bodyAt < frame.bodyEnd) {
      this.idle();
      const position = frame.body().varint();
      if (stream !== undefined) lendTo(this.#mux, stream, position);
      return;
    }
    if (stream === undefined || outbox.lanes?.answered(stream) !== true) return this.idle();
    this.#idleFrames = 0;
    this.#mux.wake();
  }

  /** LANE on a lane of the peer: from here on it carries a half, from the position in the body on. */
  beginLane(lane: PeerLane, frame: FrameReader): void {
    this.idle();
    lane.id = frame.stream;
    lane.position = frame.body().varint();
    lane.stream = undefined;
    lane.waiting = true;
  }

  /** Take up a half on its lane, once all is here that the peer has sent of it on the main lane. */
  bindLane(lane: PeerLane): void {
    const mux = this.#mux;
    if (!lane.waiting || mux.table.unheard(lane.id)) return;
    const stream = mux.table.find(lane.id);
    lane.waiting = false;
    if (stream === undefined || stream.receive.finished) return;
    const { received } = stream.receive.window;
    if (stream.receive.lane !== undefined || lane.position < received)
      throw new ProtocolError(
        "ERR_PROTOCOL",
        `Cannot take lane of stream ${lane.id} at ${lane.position}: ${received} came`,
      );
    lane.waiting = lane.position > received;
    if (lane.waiting) return;
    lane.stream = stream;
    stream.receive.lane = lane;
    this.#idleFrames = 0;
    mux.assembly.order(mux.now);
    mux.control(stream, Control.LANE);
  }

  #discard(stream: Stream, charge: number, fin: boolean): void {
    this.#mux.consume(stream, charge);
    if (!fin) return;
    // The sender lets go of its half when our STOP reaches it.
    stream.receive.finished = true;
    settle(this.#mux, stream);
  }

  /** WINDOW: credit for the session, for a stream, or (empty) the news that a stream was consumed to its end. */
  window(frame: FrameReader): void {
    const mux = this.#mux;
    if (frame.stream === SESSION_ID) {
      this.#sessionWindow(frame);
      return;
    }
    const stream = mux.table.find(frame.stream);
    if (stream === undefined) {
      this.idle();
      return;
    }
    const { send } = stream;
    const credit = send.limit;
    if (frame.bodyAt === frame.bodyEnd) {
      if (!send.closed && !send.finished)
        throw new ProtocolError("ERR_FLOW", `Cannot accept the end of stream ${stream.id}: not sent`);
      const { retained } = send;
      if (send.acknowledgeAll()) {
        mux.outbox.retainedBytes -= retained;
        this.#delivered(stream);
      } else this.idle();
      return;
    }
    const cursor = frame.body();
    const consumed = cursor.varint();
    const limit = cursor.varint();
    if (send.closed || limit - credit + consumed - send.acked < LEAST_PROGRESS) this.idle();
    else this.#idleFrames = 0;
    const { retained } = send;
    const done = send.acknowledge(consumed, limit);
    mux.outbox.retainedBytes -= retained - send.retained;
    if (done) this.#delivered(stream);
    else if (send.limit > credit) mux.credited(stream);
  }

  #delivered(stream: Stream): void {
    this.#idleFrames = 0;
    this.#mux.emit({ kind: "delivered", stream });
    settle(this.#mux, stream);
  }

  #sessionWindow(frame: FrameReader): void {
    const { outbox, table } = this.#mux;
    const cursor = frame.body();
    const consumed = cursor.varint();
    const limit = cursor.varint();
    const streams = cursor.varint();
    checkCredit(consumed, limit, outbox.sent, outbox.acked, outbox.limit);
    const moved = limit - outbox.limit + consumed - outbox.acked;
    if (moved < LEAST_PROGRESS && streams === table.openLimit) this.idle();
    else this.#idleFrames = 0;
    outbox.acked = consumed;
    outbox.limit = limit;
    table.allow(streams);
    outbox.unblock();
    this.#mux.wake();
  }

  /** RESET: the peer gives up sending; the position says how much it had sent. */
  reset(frame: FrameReader): void {
    const mux = this.#mux;
    const cursor = frame.body();
    const code = errorName(cursor.varint());
    const final = cursor.varint();
    const reason = readReason(cursor);
    const stream = mux.table.find(frame.stream);
    if (stream === undefined || stream.receive.finished) return this.idle();
    if (!stream.receive.discarding) this.#countReset();
    endedByReset(mux, stream, code, final, reason);
  }

  /** STOP: the peer does not want to read on. */
  stop(frame: FrameReader): void {
    const mux = this.#mux;
    const cursor = frame.body();
    const code = errorName(cursor.varint());
    const reason = readReason(cursor);
    const stream = mux.table.find(frame.stream);
    if (stream === undefined) return this.idle();
    this.#countReset();
    if (stream.send.closed) return;
    endedByStop(mux, stream, code, reason);
  }

  #countReset(): void {
    if (!this.#resets.take(this.#mux.now)) {
      throw new ProtocolError(
        "ERR_RATE",
        `Cannot accept reset: over ${this.#mux.limits.resetsPerSecond} a second`,
      );
    }
  }

  /** Count a frame that moves nothing (T3). */
  idle(): void {
    // Of each stream, a credit and a STOP or RESET can cross with its end.
    const most = this.#mux.limits.maxIdleFrames + 2 * this.#mux.table.mostOpen;
    if (++this.#idleFrames > most)
      throw new ProtocolError("ERR_RATE", `Cannot accept ${most} frames in a row that do nothing`);
  }
}
