import type { Bytes } from "../bytes.ts";
import { EMPTY } from "../bytes.ts";
import { ProtocolError } from "../errors.ts";
import { MAX_HEADER_BYTES, type StreamId } from "../wire/frame.ts";
import * as FrameFlag from "../wire/frame-flag.ts";
import * as FrameType from "../wire/frame-type.ts";
import type { RecordWriter } from "../wire/record-writer.ts";
import { checkCredit, FIN_CHARGE, MESSAGE_CHARGE } from "./flow.ts";

/** A fragment that does not finish its message is not made smaller than this, so that fragments stay few. */
export const LEAST_FRAGMENT_BYTES = 1_024;

/** No messages; never written to. */
const NONE: (Bytes | undefined)[] = [];

/** Slots that an array of messages keeps when nothing is in it. */
const KEPT_SLOTS = 16;

/** Why {@link SendHalf.write} stopped. */
export type WriteEnd = "empty" | "credit" | "session-credit" | "room" | "quantum";

/**
 * The sending half of a stream: messages in order, kept until the peer's application has consumed them.
 *
 *     acked <= sent <= queued       positions in charged bytes; sent <= limit, acked = consumed by the peer
 *     messages[head..next)          sent, not acknowledged: what a resumed session sends again from
 *     messages[next..end)           not sent; `offset` bytes of the first one are
 */
export class SendHalf {
  /** Position that the peer allows. */
  limit: number;
  sent = 0;
  queued = 0;
  acked = 0;
  /** No message may follow those in the queue. */
  finishing = false;
  /** FIN was sent. */
  finished = false;
  /** Nothing more will be sent, and nothing is kept: FIN was acknowledged, or the half was reset. */
  closed = false;
  /** Position at which the message began that is sent in part; -1 while there is none. */
  partAt = -1;
  /** Metadata block of the frame that carries FIN. */
  trailer: Bytes = EMPTY;
  #messages: (Bytes | undefined)[] = NONE;
  #head = 0;
  #headPosition = 0;
  #next = 0;
  #end = 0;
  #offset = 0;
  #maxFrameBytes: number;
  /** The peer's first window; it never gets smaller. */
  #window: number;

  constructor(limit: number, maxFrameBytes: number) {
    this.limit = this.#window = limit;
    this.#maxFrameBytes = maxFrameBytes;
  }

  /** The peer's HELLO is here: its limits replace the early ones. */
  adopt(limit: number, maxFrameBytes: number): void {
    this.#window = limit;
    if (limit > this.limit) this.limit = limit;
    this.#maxFrameBytes = maxFrameBytes;
  }

  /** Charged bytes that wait to be sent. */
  get unsent(): number {
    return this.queued - this.sent;
  }

  /** Whether a message may be queued now: some credit is left behind what waits. */
  get acceptable(): boolean {
    return this.queued < this.limit;
  }

  /** Whether what waits can only go on with more credit of this stream. */
  get starved(): boolean {
    return this.unsent > 0 && this.limit - this.sent < this.#leastOwnCredit(this.#leastCredit());
  }

  /** Charged bytes that the message takes which is sent in part. */
  get rest(): number {
    return (this.#messages[this.#next]?.length ?? 0) - this.#offset + MESSAGE_CHARGE;
  }

  /** Longest message in the queue that is not sent whole, bytes. */
  get longestUnsent(): number {
    let longest = 0;
    for (let i = this.#next; i < this.#end; i++) {
      longest = Math.max(longest, (this.#messages[i] as Bytes).length);
    }
    return longest;
  }

  /** Queue a message. The half keeps `payload`, unchanged, until it is acknowledged. */
  push(payload: Bytes): void {
    // An array literal has room for just one: most streams of a call send no more.
    if (this.#messages === NONE) this.#messages = [payload];
    else this.#messages[this.#end] = payload;
    this.#end++;
    this.queued += payload.length + MESSAGE_CHARGE;
  }

  /** Queue the end. */
  finish(trailer: Bytes): void {
    this.finishing = true;
    this.trailer = trailer;
    this.queued += FIN_CHARGE;
  }

  /** Charged bytes that are kept although they were sent: the connection may be lost before they arrive. */
  get retained(): number {
    return this.sent - this.#headPosition;
  }

  /** Those of them that need not be kept: a message that was sent in part goes on from where it is. */
  get forgettable(): number {
    return (this.partAt < 0 ? this.sent : this.partAt) - this.#headPosition;
  }

  /** Forget everything: the half ends without its end. */
  reset(): void {
    this.closed = true;
    this.queued = this.#headPosition = this.sent;
    this.partAt = -1;
    this.#messages = NONE;
    this.#head = this.#next = this.#end = this.#offset = 0;
  }

  /** Keep no message that was sent whole: it cannot be sent again. */
  forgetSent(): void {
    this.#release(this.acked, this.sent);
  }

  /**
   * Carry on over another connection: go back to what the peer has received, and send the rest again. See
   * {@link closeWhenDone} for a half that nothing is left of.
   * @returns charged bytes that are sent again.
   * @throws {ProtocolError} `ERR_FLOW` when the numbers are not possible, `ERR_SESSION_EXPIRED` when what the peer
   *   misses is not kept any more.
   */
  resume(received: number, consumed: number, limit: number): number {
    checkCredit(consumed, limit, received, this.acked, this.limit);
    const again = this.sent - received;
    if (again < 0)
      throw new ProtocolError("ERR_FLOW", `Cannot resume at ${received}: only ${this.sent} were sent`);
    if (again > 0) this.#rewind(received);
    this.limit = limit;
    this.#release(consumed);
    return again;
  }

  /**
   * The peer does not want what it has not received: it is not sent again, but the end of it counts as not sent.
   * @throws {ProtocolError} `ERR_FLOW` when the position is not possible.
   */
  stopAt(received: number): void {
    if (received < this.acked || received > this.sent)
      throw new ProtocolError("ERR_FLOW", `Cannot resume at ${received}: sent ${this.acked}..${this.sent}`);
    if (received < this.sent) this.finished = false;
  }

  #rewind(received: number): void {
    const messages = this.#messages;
    let next = this.#head;
    let position = this.#headPosition;
    if (received < position)
      throw new ProtocolError("ERR_SESSION_EXPIRED", "Cannot resume: what was lost is not kept any more");
    for (; next < this.#end; next++) {
      const after = position + (messages[next] as Bytes).length + MESSAGE_CHARGE;
      if (after > received) break;
      position = after;
    }
    const offset = received - position;
    if (offset > (messages[next]?.length ?? 0))
      throw new ProtocolError("ERR_FLOW", `Cannot resume at ${received}: no frame ended there`);
    this.#next = next;
    this.#offset = offset;
    this.partAt = offset > 0 ? position : -1;
    this.sent = received;
    this.finished = false;
  }

  /**
   * Apply the peer's credit.
   * @returns true when the whole half is acknowledged.
   * @throws {ProtocolError} `ERR_FLOW` when the numbers are not possible.
   */
  acknowledge(consumed: number, limit: number): boolean {
    if (this.closed) return false;
    checkCredit(consumed, limit, this.sent, this.acked, this.limit);
    this.limit = limit;
    this.#release(consumed);
    return this.closeWhenDone();
  }

  /** The peer has consumed everything, FIN included. @returns false when FIN was not even sent. */
  acknowledgeAll(): boolean {
    if (!this.finished || this.closed) return false;
    this.#release(this.sent);
    return this.closeWhenDone();
  }

  /** Close the half if its end was acknowledged. @returns whether it was. */
  closeWhenDone(): boolean {
    if (!this.finished || this.acked < this.sent) return false;
    this.closed = true;
    this.#headPosition = this.sent;
    return true;
  }

  /** Let go of messages that were sent and lie below `end` as a whole: what was `consumed`, or more. */
  #release(consumed: number, end: number = consumed): void {
    const messages = this.#messages;
    let head = this.#head;
    let position = this.#headPosition;
    while (head < this.#next) {
      const after = position + (messages[head] as Bytes).length + MESSAGE_CHARGE;
      if (after > end) break;
      messages[head++] = undefined;
      position = after;
    }
    this.acked = consumed;
    this.#headPosition = position;
    if (head * 2 >= this.#end) {
      if (head > KEPT_SLOTS) this.#messages = messages.slice(head, this.#end);
      else messages.copyWithin(0, head, this.#end).fill(undefined, this.#end - head, this.#end);
      this.#end -= head;
      this.#next -= head;
      head = 0;
    }
    this.#head = head;
  }

  /** Credit of the session that the next frame needs at least. */
  #leastCredit(): number {
    if (this.#next === this.#end) return FIN_CHARGE;
    const rest = (this.#messages[this.#next] as Bytes).length - this.#offset + MESSAGE_CHARGE;
    return Math.min(rest, LEAST_FRAGMENT_BYTES);
  }

  /**
   * Credit of the stream that the next frame needs at least. The peer grants by half a window: a message that fits
   * into one is worth the wait, since a fragment costs the peer another copy of it.
   */
  #leastOwnCredit(least: number): number {
    const payload = this.#messages[this.#next];
    if (payload === undefined || this.#offset > 0 || payload.length > this.#maxFrameBytes) return least;
    const whole = payload.length + MESSAGE_CHARGE;
    return whole * 2 <= this.#window ? whole : least;
  }

  /**
   * Write DATA frames until something ends it.
   * @param credit - charged bytes that the session allows
   * @param quantum - charged bytes after which another stream has its turn
   */
  write(into: RecordWriter, id: StreamId, credit: number, quantum: number): WriteEnd {
    const start = this.sent;
    this.#writeShort(into, id, Math.min(this.limit - start, credit, quantum));
    while (this.sent < this.queued) {
      const used = this.sent - start;
      if (used >= quantum) return "quantum";
      const least = this.#leastCredit();
      if (this.limit - this.sent < this.#leastOwnCredit(least)) return "credit";
      if (credit - used < least) return "session-credit";
      if (
        !this.writeFrame(into, FrameType.DATA, 0, id, EMPTY, Math.min(this.limit - this.sent, credit - used))
      )
        return "room";
    }
    return "empty";
  }

  /** Write the messages at the head of the queue that fit whole and do not end the half: nearly all there are. */
  #writeShort(into: RecordWriter, id: StreamId, credit: number): void {
    if (this.#offset > 0) return;
    const messages = this.#messages;
    const most = Math.min(this.#maxFrameBytes, credit - MESSAGE_CHARGE);
    const end = this.finishing ? this.#end - 1 : this.#end;
    let next = this.#next;
    let charge = 0;
    while (next < end) {
      const payload = messages[next] as Bytes;
      const { length } = payload;
      if (charge + length > most || length > into.room - MAX_HEADER_BYTES) break;
      into.message(id, payload, length);
      charge += length + MESSAGE_CHARGE;
      next++;
    }
    this.#next = next;
    this.sent += charge;
  }

  /**
   * Write one frame with as much of the next message as fits.
   * @param flags - flags that describe the prefix
   * @param prefix - bytes between header and payload, for OPEN
   * @param credit - charged bytes that may be used
   * @returns false when the record has no room for it; nothing was written then.
   */
  writeFrame(
    into: RecordWriter,
    type: number,
    flags: number,
    id: StreamId,
    prefix: Bytes,
    credit: number,
  ): boolean {
    const room = into.room - MAX_HEADER_BYTES - prefix.length;
    const most = Math.min(room, this.#maxFrameBytes - prefix.length);
    if (most < 0) return false;
    const payload = this.#messages[this.#next];
    if (payload === undefined) return this.#writeEnd(into, type, flags, id, prefix, room, credit);
    const rest = payload.length - this.#offset;
    if (rest <= most && rest + MESSAGE_CHARGE <= credit) {
      this.#writeWhole(into, type, flags, id, prefix, payload, rest, credit);
      return true;
    }
    const count = Math.min(rest, most, credit);
    if (count < Math.min(rest, LEAST_FRAGMENT_BYTES) && prefix.length === 0) return false;
    into.frame(type, FrameFlag.MORE | flags, id, prefix.length + count);
    into.put(prefix);
    into.payload(payload.subarray(this.#offset, this.#offset + count), count);
    if (this.#offset === 0 && count > 0) this.partAt = this.sent;
    this.#offset += count;
    this.sent += count;
    return true;
  }

  /** The rest of the message, and FIN when that is all. */
  #writeWhole(
    into: RecordWriter,
    type: number,
    flags: number,
    id: StreamId,
    prefix: Bytes,
    payload: Bytes,
    rest: number,
    credit: number,
  ): void {
    const last = this.finishing && this.#next + 1 === this.#end;
    const fin = last && this.trailer.length === 0 && rest + MESSAGE_CHARGE + FIN_CHARGE <= credit;
    into.frame(type, fin ? flags | FrameFlag.FIN : flags, id, prefix.length + rest);
    if (prefix.length > 0) into.put(prefix);
    into.payload(this.#offset === 0 ? payload : payload.subarray(this.#offset), rest);
    this.#offset = 0;
    this.partAt = -1;
    this.#next++;
    this.sent += rest + MESSAGE_CHARGE + (fin ? FIN_CHARGE : 0);
    this.finished = fin;
  }

  /** A frame without a message: the end, or an OPEN that has nothing to say yet. */
  #writeEnd(
    into: RecordWriter,
    type: number,
    flags: number,
    id: StreamId,
    prefix: Bytes,
    room: number,
    credit: number,
  ): boolean {
    const { trailer } = this;
    // OPEN has its own metadata: a trailer waits for a DATA frame.
    const fin = this.finishing && credit >= FIN_CHARGE && (trailer.length === 0 || type === FrameType.DATA);
    const body = prefix.length + (fin ? trailer.length : 0);
    if (body > room + prefix.length) return false;
    const finFlags = fin ? FrameFlag.FIN | (trailer.length > 0 ? FrameFlag.EXT : 0) : 0;
    into.frame(type, FrameFlag.MORE | finFlags | flags, id, body);
    into.put(prefix);
    if (fin) {
      into.put(trailer);
      this.sent += FIN_CHARGE;
      this.finished = true;
    }
    return true;
  }
}
