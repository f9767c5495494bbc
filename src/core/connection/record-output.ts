import type { Bytes } from "../bytes.ts";
import { type LaneId, MAIN_LANE } from "../lanes/lane.ts";
import { MAX_HELLO_BYTES, MAX_NAMES, RECORD_SLACK_BYTES } from "../limits.ts";
import { offerAllWritable } from "../streams/writable.ts";
import { BufferPool } from "../wire/buffer-pool.ts";
import { NameWriter } from "../wire/names.ts";
import { MAGIC } from "../wire/record.ts";
import { RecordWriter } from "../wire/record-writer.ts";
import type { Connection } from "./connection.ts";
import { writeHello } from "./handshake.ts";

/**
 * The way out of a connection: builds records of what the helloDue, the session and its streams have to say, in the
 * order in which it must go.
 *
 * Source: docs/protocol.md, sections 3 to 5.
 */
export class RecordOutput {
  readonly #connection: Connection;
  readonly #writer: RecordWriter;
  readonly #names: NameWriter;
  #magicDue: boolean;

  constructor(connection: Connection) {
    const { limits, options } = connection;
    this.#connection = connection;
    this.#writer = new RecordWriter(options.pool ?? new BufferPool(), options.twoParts, options.compression);
    this.#names = new NameWriter(Math.min(limits.maxNames, MAX_NAMES));
    this.#magicDue = !options.messageBoundaries;
  }

  /** See {@link Connection.tail}. */
  get tail(): Bytes | undefined {
    return this.#writer.tail;
  }

  /** See {@link Connection.takeOutput}. */
  take(lane: LaneId, maxBytes: number, now: number): Bytes | undefined {
    const connection = this.#connection;
    connection.mux.now = now;
    const into = this.#writer;
    into.tail = undefined;
    if (lane !== MAIN_LANE) return this.#takeLane(lane, maxBytes, now);
    connection.datagrams.age(now);
    if (!this.#waiting()) return undefined;
    if (this.#magicDue) {
      this.#magicDue = false;
      return this.#magic();
    }
    const room = this.#leastRoom;
    const most = this.#mostRoom;
    if (most < room) return undefined;
    const end = Math.max(room, Math.min(maxBytes, most));
    // Room for all that waits: a record that ends with its slab would split it in two.
    const waiting = connection.resumption.waitingBytes + connection.mux.outbox.queuedBytes;
    into.begin(Math.max(room, Math.min(end, waiting + RECORD_SLACK_BYTES)), end);
    const helloBytes = this.#writeFrames(into, now);
    const early = into.length - helloBytes;
    const record = this.#finish(into, now);
    if (record !== undefined && connection.state === "opening") connection.early.sent(early);
    return record;
  }

  #takeLane(lane: LaneId, maxBytes: number, now: number): Bytes | undefined {
    const { mux, options, peerRecordBytes, state } = this.#connection;
    const { outbox } = mux;
    const own = state === "open" ? outbox.lanes?.loaded(lane) : undefined;
    if (own === undefined) return undefined;
    if (own.magicDue) {
      own.magicDue = false;
      if (!options.messageBoundaries) return this.#magic();
    }
    const into = this.#writer;
    const { send } = own.stream;
    const end = Math.min(maxBytes, peerRecordBytes);
    into.begin(Math.min(end, send.unsent + send.trailer.length + RECORD_SLACK_BYTES), end);
    outbox.writeLane(into, own, now);
    const record = this.#finish(into, now);
    // The reserve may have become free for those that wait on the main lane.
    if (record !== undefined && outbox.ready) mux.wake();
    return record;
  }

  #magic(): Bytes {
    this.#connection.counters.bytesSent += MAGIC.length;
    return MAGIC.slice();
  }

  #finish(into: RecordWriter, now: number): Bytes | undefined {
    const { counters, keepAlive, mux, options } = this.#connection;
    const record = into.finish(!options.messageBoundaries);
    if (record === undefined) return undefined;
    counters.recordsSent++;
    counters.bytesSent += record.length + (into.tail?.length ?? 0);
    counters.bytesSaved = into.savedBytes;
    keepAlive.wrote(now);
    offerAllWritable(mux);
    return record;
  }

  /** Room that the next record needs at least. */
  get #leastRoom(): number {
    const { datagrams, helloDue, mux, peerRecordBytes } = this.#connection;
    if (helloDue !== undefined) return MAX_HELLO_BYTES + RECORD_SLACK_BYTES;
    return Math.min(peerRecordBytes, mux.outbox.leastRoom + datagrams.nextBytes + RECORD_SLACK_BYTES);
  }

  /** Longest record that may go out now. */
  get #mostRoom(): number {
    const { early, helloDue, peerRecordBytes, state } = this.#connection;
    return state !== "opening" || helloDue !== undefined
      ? peerRecordBytes
      : Math.min(peerRecordBytes, early.room);
  }

  /** Whether something may go out now. */
  #waiting(): boolean {
    const { datagrams, helloDue, mux, options, replies, resumption, state } = this.#connection;
    if (state === "closed") return false;
    if (helloDue !== undefined || replies.close !== undefined) return true;
    if (resumption.waiting) return state !== "closing";
    if (state === "resuming") return replies.waiting;
    if (state !== "open" && !(state === "opening" && options.role === "client")) return false;
    return mux.outbox.ready || replies.waiting || !datagrams.empty;
  }

  /** @returns the bytes of the record up to the end of HELLO; 0 when it holds none. */
  #writeFrames(into: RecordWriter, now: number): number {
    const connection = this.#connection;
    const helloBytes = writeHello(connection, into);
    if (connection.replies.writeClose(into)) {
      connection.state = "closed";
      return helloBytes;
    }
    if (!connection.resumption.write(into)) return helloBytes;
    if (connection.carries) this.#writeReplies(into, now);
    if (connection.state === "resuming") return helloBytes;
    const { outbox } = connection.mux;
    connection.datagrams.write(into, outbox.leastRoom);
    outbox.write(into, this.#names, now, connection.keepAlive.leastRoundTripMs);
    return helloBytes;
  }

  #writeReplies(into: RecordWriter, now: number): void {
    const { keepAlive, mux, replies } = this.#connection;
    const asked = keepAlive.pingDue;
    replies.write(into, now);
    if (asked && !keepAlive.pingDue) mux.told.ask();
  }
}
