import type { Bytes } from "../bytes.ts";
import { errorName, ProtocolError, type StreamError, wireCode } from "../errors.ts";
import { checkCredit } from "../streams/flow.ts";
import type { Mux } from "../streams/mux.ts";
import type { Reason, Stream } from "../streams/stream.ts";
import { endedByReset, endedByStop, settle } from "../streams/stream-end.ts";
import { type FrameReader, SESSION_ID, type StreamId } from "../wire/frame.ts";
import * as FrameFlag from "../wire/frame-flag.ts";
import { encodeReason, readReason } from "../wire/reason.ts";
import { Cursor, writeVarint } from "../wire/varint.ts";
import { resumeSending, unopen } from "./rewind.ts";
import { isReset, isStopped, MOST_TOLD } from "./told.ts";

/** Longest body of a RESUME frame, bytes: it always fits behind what must go before it. */
export const RESUME_BODY_BYTES = 1_024;

/** Bits of the flags of an entry. */
const FLAG_STOP = 1;
const FLAG_RESET = 2;

/** Most bytes of an entry: five positions, two codes, two texts with their lengths. */
const MOST_ENTRY_BYTES = 8 * 8 + 2 * (128 + 8);

/**
 * What this side has of a session, for a peer that carries it on over another connection: the bodies of the RESUME
 * frames, in order. From here on what waited as a RESET, STOP or WINDOW counts as told.
 *
 *     entry of the session   0, streams of the peer that were opened, consumed, limit, limit of streams
 *     entry of a stream      id, flags, received, consumed, limit [stop: code, length, text] [reset: code, final, length, text]
 *
 * Source: docs/protocol.md, section 12.
 */
export function encodeResume(mux: Mux): Bytes[] {
  const { outbox, table, told, window } = mux;
  outbox.tellAll();
  if (window.due) window.grant(mux.now, 0, false);
  const writer = new EntryWriter();
  for (const value of [SESSION_ID, table.accepted, window.consumed, window.limit, table.acceptLimit])
    writer.varint(value);
  table.told();
  const streams = new Set([...mux.assembly.streams(), ...table.values(), ...told.streams()]);
  for (const stream of streams) writeEntry(writer, stream, mux.now);
  return writer.finish();
}

function writeEntry(writer: EntryWriter, stream: Stream, now: number): void {
  const { error, finished, window } = stream.receive;
  if (!finished && window.due) window.grant(now, 0, false);
  const stopped = isStopped(stream);
  const reset = isReset(stream);
  writer.begin();
  writer.varint(stream.id);
  writer.varint((stopped ? FLAG_STOP : 0) | (reset ? FLAG_RESET : 0));
  for (const value of [window.received, window.consumed, window.limit]) writer.varint(value);
  if (stopped) writer.end(error as StreamError);
  if (reset) writer.end(stream.resetReason, stream.send.sent);
}

/** Gathers entries into bodies; no entry is cut. */
class EntryWriter {
  readonly #bodies: Bytes[] = [];
  #body: Bytes = new Uint8Array(RESUME_BODY_BYTES);
  #at = 0;

  /** An entry begins. */
  begin(): void {
    if (this.#at + MOST_ENTRY_BYTES <= RESUME_BODY_BYTES) return;
    this.#bodies.push(this.#body.slice(0, this.#at));
    this.#at = 0;
  }

  varint(value: number): void {
    this.#at = writeVarint(this.#body, this.#at, value);
  }

  /** Why a half was given up. @param final - where a RESET ends it; empty for a STOP */
  end({ code, message }: Reason, ...final: readonly number[]): void {
    const bytes = encodeReason(message);
    for (const value of [wireCode(code), ...final, bytes.length]) this.varint(value);
    this.#body.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  finish(): Bytes[] {
    this.#bodies.push(this.#body.slice(0, this.#at));
    return this.#bodies;
  }
}

/** Applies the peer's RESUME frames to the streams of a session. */
export class ResumeInput {
  readonly #mux: Mux;
  readonly #listed: Set<StreamId> = new Set();
  #begun = false;
  #entries = 0;

  constructor(mux: Mux) {
    this.#mux = mux;
  }

  /**
   * Apply one frame. Doing it again over the next connection does no harm: all positions are absolute.
   * @returns true with the last one: the streams go on.
   * @throws {ProtocolError} when the positions are not possible; `ERR_SESSION_EXPIRED` when too little is kept.
   */
  apply(frame: FrameReader): boolean {
    const cursor = frame.body();
    if (!this.#begun) this.#session(cursor);
    else if (cursor.at === cursor.end)
      throw new ProtocolError("ERR_PROTOCOL", "Cannot resume: a frame has no entry");
    this.#begun = true;
    while (cursor.at < cursor.end) this.#entry(cursor);
    if ((frame.flags & FrameFlag.MORE) !== 0) return false;
    this.#settleOthers();
    const { outbox } = this.#mux;
    if (outbox.acked > outbox.sent)
      throw new ProtocolError(
        "ERR_FLOW",
        `Cannot resume: ${outbox.acked} of ${outbox.sent} bytes were consumed`,
      );
    this.#mux.restart();
    return true;
  }

  #session(cursor: Cursor): void {
    const { outbox, table } = this.#mux;
    if (cursor.varint() !== SESSION_ID)
      throw new ProtocolError("ERR_PROTOCOL", "Cannot resume: the session must come first");
    const accepted = cursor.varint();
    const consumed = cursor.varint();
    const limit = cursor.varint();
    const streams = cursor.varint();
    checkCredit(consumed, limit, outbox.sent, outbox.acked, outbox.limit);
    outbox.acked = consumed;
    outbox.limit = limit;
    outbox.forgetParts();
    for (const stream of table.rollBack(accepted)) unopen(this.#mux, stream);
    table.allow(streams);
  }

  #entry(cursor: Cursor): void {
    const id = cursor.varint() as StreamId;
    const flags = cursor.varint();
    const received = cursor.varint();
    const consumed = cursor.varint();
    const limit = cursor.varint();
    const stop = (flags & FLAG_STOP) === 0 ? undefined : readEnd(cursor, false);
    const reset = (flags & FLAG_RESET) === 0 ? undefined : readEnd(cursor, true);
    const { table } = this.#mux;
    if (++this.#entries > MOST_TOLD + 2 * table.mostOpen)
      throw new ProtocolError("ERR_LIMIT", `Cannot resume: more than ${this.#entries - 1} streams are named`);
    if (this.#listed.has(id))
      throw new ProtocolError("ERR_PROTOCOL", `Cannot resume: stream ${id} is there twice`);
    this.#listed.add(id);
    // The peer has opened it, and this side has not heard of it: it hears of it now.
    if (table.unheard(id)) return;
    const stream = table.find(id);
    if (stream === undefined) return;
    if (!stream.send.closed && stop !== undefined) {
      stream.send.stopAt(received);
      endedByStop(this.#mux, stream, errorName(stop.code), stop.reason);
    } else if (!stream.send.closed) {
      resumeSending(this.#mux, stream, received, consumed, limit);
      this.#closeWhenDone(stream);
    }
    if (reset !== undefined && !stream.receive.finished)
      endedByReset(this.#mux, stream, errorName(reset.code), reset.final, reset.reason);
    settle(this.#mux, stream);
  }

  #closeWhenDone(stream: Stream): void {
    const { retained } = stream.send;
    if (!stream.send.closeWhenDone()) return;
    this.#mux.outbox.retainedBytes -= retained;
    this.#mux.emit({ kind: "delivered", stream });
  }

  /** A stream that the peer does not name is over there: all of it was consumed, and has come. */
  #settleOthers(): void {
    const mux = this.#mux;
    for (const stream of [...mux.table.values()]) {
      if (this.#listed.has(stream.id)) continue;
      const { receive, send } = stream;
      if (!receive.finished || (!send.closed && !send.finished))
        throw new ProtocolError("ERR_PROTOCOL", `Cannot resume: stream ${stream.id} is not over here`);
      if (!send.closed) {
        resumeSending(mux, stream, send.sent, send.sent, send.limit);
        this.#closeWhenDone(stream);
      }
      settle(mux, stream);
    }
  }
}

interface End {
  readonly code: number;
  readonly final: number;
  readonly reason: string;
}

function readEnd(cursor: Cursor, withFinal: boolean): End {
  const code = cursor.varint();
  const final = withFinal ? cursor.varint() : 0;
  const length = cursor.varint();
  if (length > cursor.end - cursor.at)
    throw new ProtocolError("ERR_PROTOCOL", "Cannot resume: a text ends behind its frame");
  const text = new Cursor(cursor.bytes, cursor.at, cursor.at + length);
  cursor.at += length;
  return { code, final, reason: readReason(text) };
}
