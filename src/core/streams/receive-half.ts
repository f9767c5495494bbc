import { type Bytes, detachView } from "../bytes.ts";
import { ProtocolError, type StreamError } from "../errors.ts";
import type { PeerLane } from "../lanes/lanes.ts";
import type { Limits } from "../limits.ts";
import { Parts } from "../parts.ts";
import { Queue } from "../queue.ts";
import type { Metadata } from "../wire/metadata.ts";
import { PATH_BYTES_PER_MS, ReceiveWindow } from "./flow.ts";

/**
 * The receiving half of a stream: puts fragments together and keeps whole messages until the application takes them.
 */
export class ReceiveHalf {
  /** Credit of this half. */
  readonly window: ReceiveWindow;
  /** FIN has arrived. */
  finished = false;
  /** FIN was taken: the application knows that nothing follows. */
  ended = false;
  /** Why nothing follows, when the half did not end in order. */
  error: StreamError | undefined;
  /** What came with FIN. */
  trailer: Metadata | undefined;
  /** What arrives is counted and dropped: the application does not want it. */
  discarding = false;
  /** The lane of the peer that this half comes on; `undefined` for the main one. */
  lane: PeerLane | undefined;
  /** When the unfinished message began, ms. */
  assemblingSince = 0;
  /** So many of the oldest messages hold no more of a record than they need. */
  settled = 0;
  /** Whole messages that wait. */
  waiting = 0;
  /** The oldest message, and those behind it: the halves of a call have no others, and so no queue. */
  #first: Bytes | undefined;
  #others: Queue<Bytes> | undefined;
  /** Fragments of the message whose end is not here. */
  #parts: Parts | undefined;
  #fragments = 0;
  readonly #limits: Limits;

  constructor(limits: Limits) {
    this.#limits = limits;
    this.window = new ReceiveWindow(limits.streamWindowBytes, limits.maxStreamWindowBytes, PATH_BYTES_PER_MS);
  }

  /** Bytes of the message whose end is not here. */
  get assembling(): number {
    return this.#parts?.length ?? 0;
  }

  /** Whether fragments wait for the rest of their message. */
  get unfinished(): boolean {
    return this.#parts !== undefined;
  }

  /**
   * Keep the payload of one frame.
   * @param more - the message goes on in a later frame
   * @throws {ProtocolError} `ERR_MESSAGE_TOO_LARGE` when the message passes its bounds.
   */
  push(payload: Bytes, more: boolean): void {
    const { maxMessageBytes, maxFragments } = this.#limits;
    const length = this.assembling + payload.length;
    if (length > maxMessageBytes) throw tooLarge(` of ${length} bytes or more: limit is ${maxMessageBytes}`);
    if (!more && this.#parts === undefined) {
      this.#enqueue(payload);
      return;
    }
    if (more && payload.length === 0) return;
    if (++this.#fragments > maxFragments) throw tooLarge(`: over ${maxFragments} fragments`);
    this.#parts ??= new Parts();
    this.#parts.add(payload, maxMessageBytes);
    if (more) return;
    this.#enqueue(this.#parts.take());
    this.#clearParts();
  }

  #enqueue(message: Bytes): void {
    if (this.waiting++ === 0) this.#first = message;
    else {
      this.#others ??= new Queue();
      this.#others.push(message);
    }
  }

  #clearParts(): void {
    this.#parts = undefined;
    this.#fragments = 0;
  }

  /** The peer ends the half. */
  finish(trailer: Metadata | undefined): void {
    if (this.unfinished)
      throw new ProtocolError("ERR_PROTOCOL", "Cannot end stream: its last message is not finished");
    this.finished = true;
    this.trailer = trailer;
  }

  /**
   * Take the oldest message.
   * @returns `undefined` when there is none now; see {@link ended} and {@link error} for whether one can follow.
   */
  shift(): Bytes | undefined {
    if (this.settled > 0) this.settled--;
    const message = this.#first;
    if (message === undefined) return undefined;
    this.waiting--;
    this.#first = this.#others?.shift();
    return message;
  }

  /** Whether FIN is the only thing left to take. */
  get atEnd(): boolean {
    return this.finished && !this.ended && this.error === undefined && this.waiting === 0;
  }

  /** Drop what waits. @returns the charged bytes that were not consumed. */
  clear(): number {
    this.#first = this.#others = undefined;
    this.waiting = this.settled = 0;
    this.#clearParts();
    return this.window.received - this.window.consumed;
  }

  /** Stop holding whole records for small messages that stay unread (T5). */
  settle(): void {
    const { settled, waiting } = this;
    this.settled = waiting;
    if (waiting <= settled) return;
    if (settled === 0) this.#first = detachView(this.#first as Bytes);
    this.#others?.map(Math.max(0, settled - 1), detachView);
  }
}

function tooLarge(what: string): ProtocolError {
  return new ProtocolError("ERR_MESSAGE_TOO_LARGE", `Cannot accept message${what}`);
}
