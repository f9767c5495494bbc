import { ErrorCode, type ErrorName } from "../errors.ts";
import { MAX_HEADER_BYTES, SESSION_ID } from "../wire/frame.ts";
import * as FrameType from "../wire/frame-type.ts";
import { encodeReason } from "../wire/reason.ts";
import type { RecordWriter } from "../wire/record-writer.ts";
import { varintBytes } from "../wire/varint.ts";
import type { KeepAlive } from "./keep-alive.ts";

/** Room for a PING or a PONG. */
const REPLY_BYTES = 2 * MAX_HEADER_BYTES;

/** Why a connection ends, or takes no new streams. */
export interface Farewell {
  readonly code: ErrorName;
  readonly reason: string;
  /** GOAWAY: how long the peer should wait before it connects again, ms. */
  readonly delayMs?: number;
}

/** Frames of the session itself that wait for a record: answers to PING, our own PING, GOAWAY and CLOSE. */
export class Replies {
  /** GOAWAY must go out. */
  goAway: Farewell | undefined;
  /** CLOSE must go out, and nothing after it. */
  close: Farewell | undefined;
  /** Answers that were dropped because too many waited (T12). */
  dropped = 0;
  readonly #keepAlive: KeepAlive;
  readonly #most: number;
  #pongs: number[] | undefined;

  /** @param most - answers that may wait; the oldest is dropped for the newest */
  constructor(keepAlive: KeepAlive, most: number) {
    this.#keepAlive = keepAlive;
    this.#most = most;
  }

  /** Whether something waits beside CLOSE. */
  get waiting(): boolean {
    return this.#pongs !== undefined || this.#keepAlive.pingDue || this.goAway !== undefined;
  }

  /** Answer a PING. */
  pong(token: number): void {
    this.#pongs ??= [];
    this.#pongs.push(token);
    if (this.#pongs.length <= this.#most) return;
    this.#pongs.shift();
    this.dropped++;
  }

  /** Write what waits beside CLOSE, as far as there is room. */
  write(into: RecordWriter, now: number): void {
    if (this.goAway !== undefined) writeFarewell(into, FrameType.GOAWAY, this.goAway);
    this.goAway = undefined;
    while (this.#pongs !== undefined && into.room >= REPLY_BYTES) {
      writeToken(into, FrameType.PONG, this.#pongs.shift() as number);
      if (this.#pongs.length === 0) this.#pongs = undefined;
    }
    if (!this.#keepAlive.pingDue || into.room < REPLY_BYTES) return;
    this.#keepAlive.sent(now);
    writeToken(into, FrameType.PING, this.#keepAlive.token);
  }

  /** Write CLOSE. @returns false when there is none to write. */
  writeClose(into: RecordWriter): boolean {
    if (this.close === undefined) return false;
    writeFarewell(into, FrameType.CLOSE, this.close);
    this.close = undefined;
    return true;
  }
}

function writeToken(into: RecordWriter, type: number, token: number): void {
  into.frame(type, 0, SESSION_ID, varintBytes(token));
  into.varint(token);
}

function writeFarewell(into: RecordWriter, type: number, { code, reason, delayMs }: Farewell): void {
  const text = encodeReason(reason);
  const number = ErrorCode[code];
  const delayBytes = delayMs === undefined ? 0 : varintBytes(delayMs);
  into.frame(type, 0, SESSION_ID, varintBytes(number) + delayBytes + text.length);
  into.varint(number);
  if (delayMs !== undefined) into.varint(delayMs);
  into.put(text);
}
