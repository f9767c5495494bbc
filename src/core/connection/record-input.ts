import { type Bytes, EMPTY } from "../bytes.ts";
import { ProtocolError } from "../errors.ts";
import { type LaneId, MAIN_LANE } from "../lanes/lane.ts";
import { type PeerLane, peerLane } from "../lanes/lanes.ts";
import { MAX_HELLO_BYTES, RECORD_SLACK_BYTES } from "../limits.ts";
import { giveRecord } from "../parts.ts";
import { FrameReader } from "../wire/frame.ts";
import * as FrameFlag from "../wire/frame-flag.ts";
import * as FrameType from "../wire/frame-type.ts";
import { checkLength, PLAIN_RECORD, RecordReader, SEALED_RECORD } from "../wire/record.ts";
import type { Connection } from "./connection.ts";
import { allows } from "./connection-state.ts";
import { applyToSession, refuseFrame } from "./session-input.ts";

/** Reads the frames of all connections of this thread: nothing that a frame does begins another record. */
const FRAMES: FrameReader = new FrameReader();

/** RESETs and STOPs that are not known to have arrived: with so many it is time to ask. */
const MANY_TOLD = 32;

/**
 * The way in of a connection: bytes of its lanes become records, records become frames, and each frame goes to who
 * applies it, if the peer may send it now.
 *
 * Source: docs/protocol.md, sections 3 to 5.
 */
export class RecordInput {
  readonly #connection: Connection;
  readonly #records: RecordReader | undefined;
  /** Longest record that is accepted of a peer that was let in, and the one that is accepted now. */
  readonly #longest: number;
  #maxRecordBytes: number;
  /** The lanes of the peer beside the main one, and how many it may have. */
  #lanes: Map<LaneId, PeerLane> | undefined;
  readonly #maxLanes: number;
  /** Something of the last record may be held, beside the messages that {@link Mux.held} counts. */
  #isKept = true;
  /** The last record of a lane of bytes of which only messages can be held. */
  #lent: Bytes = EMPTY;

  constructor(connection: Connection) {
    const { limits, options } = connection;
    const longest = limits.maxFrameBytes + RECORD_SLACK_BYTES;
    this.#connection = connection;
    this.#maxLanes = connection.maxLanes;
    this.#maxRecordBytes = this.#longest = longest;
    // A client that is not let in yet may send a HELLO and early data, and no more (T1).
    if (options.role === "server")
      this.#maxRecordBytes = Math.min(longest, MAX_HELLO_BYTES + limits.maxEarlyBytes);
    this.#records = options.messageBoundaries ? undefined : new RecordReader(this.#maxRecordBytes);
  }

  /** See {@link Connection.receive}. */
  receive(lane: LaneId, bytes: Bytes, now: number): void {
    const connection = this.#connection;
    if (connection.over) return;
    connection.mux.now = now;
    connection.mux.settleUnread();
    connection.keepAlive.heard(bytes.length, now);
    connection.counters.bytesReceived += bytes.length;
    try {
      const other = lane === MAIN_LANE ? undefined : this.#lane(lane);
      const records = other === undefined ? this.#records : other.records;
      if (records === undefined) this.#receiveRecord(bytes, other);
      else this.#receiveBytes(records, bytes, other);
      if (this.#lanes !== undefined && connection.state === "open")
        for (const bound of this.#lanes.values()) connection.input.bindLane(bound);
    } catch (error) {
      this.#fail(error);
    } finally {
      FRAMES.reset(EMPTY, 0); // which holds the last record
    }
    if (connection.mux.told.length >= MANY_TOLD) connection.keepAlive.measure(now);
    if (connection.replies.waiting) connection.mux.wake();
  }

  #fail(error: unknown): void {
    if (!(error instanceof ProtocolError)) throw error;
    this.#connection.fail(error);
  }

  /** The client was let in: read what it sent meanwhile. */
  welcomed(): void {
    const connection = this.#connection;
    this.#maxRecordBytes = this.#longest;
    if (this.#records !== undefined) this.#records.maxRecordBytes = this.#maxRecordBytes;
    try {
      for (const { record, at } of connection.early.take())
        if (connection.carries && at < record.length)
          this.#readFrames(record, at > 0 ? at : checkRecord(record), undefined);
    } catch (error) {
      this.#fail(error);
    } finally {
      FRAMES.reset(EMPTY, 0);
    }
    this.#isKept = true;
    connection.mux.wake();
  }

  /** See {@link Connection.release}. */
  release(): boolean {
    const isKept = this.#isKept || this.#connection.mux.held > 0;
    if (!isKept) giveRecord(this.#lent);
    this.#lent = EMPTY; // an idle connection must not hold its last record
    return isKept;
  }

  #lane(id: LaneId): PeerLane {
    this.#lanes ??= new Map();
    const lanes = this.#lanes;
    let lane = lanes.get(id);
    if (lane !== undefined) return lane;
    if (lanes.size >= this.#maxLanes)
      throw new ProtocolError("ERR_LIMIT", `Cannot accept lane: limit is ${this.#maxLanes}`);
    lane = peerLane(this.#records === undefined ? undefined : new RecordReader(this.#longest));
    lanes.set(id, lane);
    return lane;
  }

  #receiveBytes(records: RecordReader, bytes: Bytes, lane: PeerLane | undefined): void {
    records.push(bytes);
    for (let record = records.next(); record !== undefined; record = records.next()) {
      this.#receiveRecord(record, lane);
      if (!this.#isKept) this.#lent = record;
      if (this.#connection.over) return;
    }
  }

  #receiveRecord(record: Bytes, lane: PeerLane | undefined): void {
    const connection = this.#connection;
    connection.counters.recordsReceived++;
    this.#isKept = true;
    if (lane === undefined && connection.state === "authenticating") {
      connection.early.keep(record, 0);
      return;
    }
    checkLength("record", record.length, this.#maxRecordBytes);
    const { compression } = connection.options;
    const header = record[0] as number;
    // A peer that is not let in yet has nothing expanded for it.
    if (compression !== undefined && header > PLAIN_RECORD && header < SEALED_RECORD && connection.carries)
      this.#readFrames(compression.expand(record, this.#maxRecordBytes - 1), 0, lane);
    else this.#readFrames(record, checkRecord(record), lane);
  }

  #readFrames(record: Bytes, at: number, lane: PeerLane | undefined): void {
    const frames = FRAMES;
    const connection = this.#connection;
    frames.reset(record, at);
    this.#isKept = false;
    while (frames.next()) {
      const isData = frames.type === FrameType.DATA && (frames.flags & FrameFlag.EXT) === 0;
      if (!isData && frames.type !== FrameType.WINDOW) this.#isKept = true;
      if (lane === undefined && !allows(connection.state, frames.type)) refuseFrame(connection, frames);
      checkLength("frame", frames.bodyEnd - frames.bodyAt, connection.limits.maxFrameBytes);
      if (lane !== undefined) {
        this.#applyToLane(frames, lane);
        continue;
      }
      this.#apply(frames);
      if (connection.carries) continue;
      if (connection.state === "authenticating") connection.early.keep(record, frames.bodyEnd);
      return;
    }
  }

  /** LANE can come before the peer's HELLO: it waits in its lane. Data cannot: it has to be answered first. */
  #applyToLane(frame: FrameReader, lane: PeerLane): void {
    const { input } = this.#connection;
    if (frame.type === FrameType.DATA) input.data(frame, lane);
    else if (frame.type === FrameType.LANE) input.beginLane(lane, frame);
    else refuseFrame(this.#connection, frame);
  }

  #apply(frame: FrameReader): void {
    const { input } = this.#connection;
    switch (frame.type) {
      case FrameType.DATA:
        return input.data(frame);
      case FrameType.OPEN:
        return input.open(frame);
      case FrameType.WINDOW:
        return input.window(frame);
      case FrameType.RESET:
        return input.reset(frame);
      case FrameType.STOP:
        return input.stop(frame);
      case FrameType.LANE:
        return input.lane(frame);
      default:
        return applyToSession(this.#connection, frame);
    }
  }
}

/** @returns where the frames of a record begin that is not compressed. */
function checkRecord(record: Bytes): number {
  if (record.length < 2) throw new ProtocolError("ERR_PROTOCOL", "Cannot accept record: it holds no frame");
  if (record[0] !== PLAIN_RECORD)
    throw new ProtocolError("ERR_PROTOCOL", `Cannot accept record: header ${record[0]} was not negotiated`);
  return 1;
}
