import { type Bytes, EMPTY, encodeText } from "../bytes.ts";
import { StateError, type StreamError } from "../errors.ts";
import type { SessionEvent } from "../events.ts";
import { type LaneId, MAIN_LANE } from "../lanes/lane.ts";
import { MAX_NAME_BYTES } from "../limits.ts";
import { PRIORITIES } from "../sending/scheduler.ts";
import { SESSION_ID, type StreamId } from "../wire/frame.ts";
import type { Metadata } from "../wire/metadata.ts";
import type { Mux } from "./mux.ts";
import type { ReceiveHalf } from "./receive-half.ts";
import type { SendHalf } from "./send-half.ts";
import { requestWritable } from "./writable.ts";

/** Data waits since the last call that did not bring the time: the next one that does brings it. */
export const WAITS = -1;

/** Why a half ends, as its peer hears it. */
export type Reason = Pick<StreamError, "code" | "message">;

/** No reason of its own. */
export const NO_REASON: Reason = { code: "ERR_NONE", message: "" };

/** How a stream begins. */
export interface StreamStart {
  /** What it is for: the method of a call, or any name up to 256 UTF-8 bytes. */
  readonly name: string;
  /** Priority class, 0 (first) to 7. */
  readonly priority: number;
  /** Whether what is sent asks for a lane of its own. Default false. */
  readonly ownLane?: boolean | undefined;
  /** Metadata block, encoded; empty when there is none. */
  readonly metadata: Bytes;
}

/** @throws {RangeError} when a stream cannot begin so. */
export function checkStart({ name, priority }: StreamStart): void {
  if (name.length * 3 > MAX_NAME_BYTES && encodeText(name).length > MAX_NAME_BYTES)
    throw new RangeError(`Cannot open stream: its name is longer than ${MAX_NAME_BYTES} bytes`);
  if (priority !== (priority & (PRIORITIES - 1)))
    throw new RangeError(`Cannot open stream: priority ${priority} is not 0 to ${PRIORITIES - 1}`);
}

/**
 * A stream of messages inside a session, without I/O: two halves that end independently.
 *
 * It is created by {@link Mux.open} or by the peer's OPEN. It gets its number when its first frame is written.
 */
export class Stream {
  /** Number on the wire; {@link SESSION_ID} until the OPEN frame is written. */
  id: StreamId = SESSION_ID;
  /** Whether this side opened it. */
  readonly local: boolean;
  /** Name that the opener gave it. */
  readonly name: string;
  /** Metadata of OPEN, as the peer sent it. */
  readonly metadata: Metadata | undefined;
  /** Metadata block that goes out with OPEN. */
  readonly openMetadata: Bytes;
  /** Priority class of what is sent, 0 (first) to 7. */
  readonly priority: number;
  /** Whether what is sent asks for a lane of its own, and the lane of this side that it has. */
  readonly ownLane: boolean;
  lane: LaneId = MAIN_LANE;
  readonly send: SendHalf;
  readonly receive: ReceiveHalf;
  /** Whether records with frames of this stream may be compressed. */
  compress = true;
  /** Who handles the events of this stream. */
  owner: { notify(event: SessionEvent): void } | undefined;
  /** Set of `control.ts`: frames to send outside the order of data. */
  control = 0;
  /** What a RESET says; {@link NO_REASON} where it answers a STOP. A STOP says the error of {@link receive}. */
  resetReason: Reason = NO_REASON;
  /** Set of `control.ts`: RESET and STOP that were sent, and that the peer may not have seen. */
  told = 0;
  /** In the list of streams with control frames; in the scheduler; has a `readable` event out. */
  controlQueued = false;
  scheduled = false;
  readableQueued = false;
  /** To which messages came before, in the same record; the first one leads to itself. For {@link Mux}. */
  freshBefore: Stream | undefined;
  /** A `trySend` said no. */
  wantsWritable = false;
  /** The application lets go of its slot: the peer may open another stream in its place. */
  released = false;
  /** Its place was given to another stream, but its end is not acknowledged. */
  vacated = false;
  /** When data or credit last moved while data waited, ms; {@link WAITS} before the time is known. */
  progressAt = 0;
  /** The next stream in the same slot of the table. For {@link StreamTable}. */
  sibling: Stream | undefined;
  /** The stream whose turn it is after this one. For {@link Scheduler}. */
  behind: Stream | undefined;
  /** The one `readable` event of this stream. */
  readonly readable: SessionEvent = { kind: "readable", stream: this };
  readonly #mux: Mux;

  constructor(
    mux: Mux,
    local: boolean,
    start: StreamStart,
    metadata: Metadata | undefined,
    send: SendHalf,
    receive: ReceiveHalf,
  ) {
    this.#mux = mux;
    this.local = local;
    this.name = start.name;
    this.priority = start.priority;
    this.ownLane = start.ownLane === true;
    this.openMetadata = start.metadata;
    this.metadata = metadata;
    this.send = send;
    this.receive = receive;
  }

  /**
   * Queue one message, if there is credit for it.
   * @param payload - the stream keeps it, unchanged, until the peer has consumed it
   * @returns false when the message was not queued: wait for the `writable` event.
   * @throws {StateError} after {@link finish}.
   * @throws {StreamError} when the half was stopped or the connection lost.
   * @throws {StreamError} `ERR_MESSAGE_TOO_LARGE` when the peer accepts no message of that length.
   */
  trySend(payload: Bytes): boolean {
    return this.#mux.send(this, payload);
  }

  /** Whether {@link trySend} would say yes now; if not, a `writable` event follows when it would. */
  requestWritable(): boolean {
    return requestWritable(this.#mux, this);
  }

  /**
   * End the sending half, after what is queued.
   * @param trailer - metadata block that goes with the end; it cannot say no for lack of credit
   * @throws {RangeError} when the trailer does not fit a frame of the peer.
   */
  finish(trailer: Bytes = EMPTY): void {
    this.#mux.finish(this, trailer);
  }

  /**
   * The oldest message; `undefined` when there is none: then `receive.ended` and `receive.error` say why.
   * @param borrow - nothing of it is held after the event that is handled now: its memory may be used again
   */
  read(borrow?: boolean): Bytes | undefined {
    return this.#mux.read(this, borrow);
  }

  /** Give up sending: drop what is queued and tell the peer why. */
  reset(error: StreamError): void {
    this.#mux.resetStream(this, error);
  }

  /** Give up reading: drop what waits and ask the peer to send no more. */
  stop(error: StreamError): void {
    this.#mux.stopStream(this, error);
  }

  /** The application is done with a stream that the peer opened: its slot is free once both halves are over. */
  release(): void {
    this.#mux.release(this);
  }

  /** Time of the last call that brought one, on the session's clock, ms: in an event, when its record came. */
  get now(): number {
    return this.#mux.now;
  }

  /** Why nothing can be sent; `undefined` while something can. */
  get sendError(): StateError | StreamError | undefined {
    if (this.failure !== undefined) return this.failure;
    return this.send.finishing || this.send.closed
      ? new StateError("Cannot send: the sending half was closed")
      : undefined;
  }

  /** Set when the half was stopped, reset or lost. */
  failure: StreamError | undefined;
}
