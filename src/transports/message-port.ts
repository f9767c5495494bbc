import type { Bytes } from "../core/bytes.ts";
import { closeCodeOf, ProtocolError, TransportError, type WireError } from "../core/errors.ts";
import { type LaneId, MAIN_LANE } from "../core/lanes/lane.ts";
import { LEAST_OWN_BYTES } from "../core/parts.ts";
import { PeerWatch } from "./peer-watch.ts";
import {
  closeError,
  isClose,
  isLock,
  isReturn,
  MOST_RETURNED,
  onFailedStart,
  type TransportEnd,
  tellEnd,
} from "./port-messages.ts";
import type { Transport, TransportCapabilities, TransportEvents } from "./transport.ts";

/** The members of a `MessagePort` that are used: that of the web, and that of `node:worker_threads`. */
export interface PortLike {
  postMessage(message: unknown, transfer: ArrayBuffer[]): void;
  addEventListener(type: string, listener: (event: Event) => void): void;
  start(): void;
  close(): void;
}

/** What a port transport bounds. */
export interface MessagePortOptions {
  /** Bytes that the peer has not taken yet above which `write` returns false. `drain` comes at half of it. */
  readonly highWaterBytes?: number;
  /**
   * How long the other thread may say nothing before it counts as gone, where the runtime does not tell that a thread
   * has ended, ms. A thread that computes for longer without a pause is taken for dead: 0 waits for ever.
   */
  readonly silenceMs?: number;
}

/** The bounds of a port transport that is made without options. */
export const DEFAULT_MESSAGE_PORT_OPTIONS: Required<MessagePortOptions> = {
  highWaterBytes: 2 * 1024 * 1024,
  silenceMs: 0,
};

/** What the runtime lends a port transport, so that it learns of the end of the other thread. */
export interface PortSurroundings {
  /** Locks of the origin: each end holds one, and asks for that of the other, which is let go with its thread. */
  readonly locks?: LockManager | undefined;
  /** What fires `error` when the other thread could not be started; heard until its first message. */
  readonly starter?: EventTarget | undefined;
  /** Calls `run` when this side ends the other thread. @returns what stops that */
  readonly onEnd?: ((run: () => void) => () => void) | undefined;
}

/** A record from this length on is transferred: below, cloning it costs less than handing it over. */
const TRANSFER_BYTES = 1_024;
/** So many bytes are taken before the sender is told. */
const TELL_BYTES = 128 * 1024;
/** Fewer are told after this time, ms: `bufferedBytes` of an idle peer is 0. */
const TELL_MS = 10;

const CAPABILITIES: TransportCapabilities = {
  lanes: 1,
  datagrams: false,
  messageBoundaries: true,
  transfer: true,
  inboundPause: false,
};

/**
 * Transport over a `MessagePort`: between a page and a Worker, between threads of Node.
 *
 *     ArrayBuffer        one record
 *     number             bytes of records that the sender of this has taken since the beginning
 *     { taken, back }    the same, with memory of such records that may be used again
 *     "ping"             asks for such a number
 *     { lock }           name of the lock that the sender holds for as long as it lives
 *     { close, reason }  the end; nothing follows
 *
 * Whatever else arrives ends the transport. A record is copied once, out of the buffer that it shares with others, and
 * the copy changes its owner. Ports have no backpressure: a sender counts what its peer has taken. What carries a bulk
 * stream to a listener that borrows goes to and fro: nothing is allocated, and nothing is left to collect.
 */
export class MessagePortTransport implements Transport {
  readonly name = "message-port";
  readonly capabilities: TransportCapabilities = CAPABILITIES;
  readonly #port: PortLike;
  readonly #highWaterBytes: number;
  readonly #watch: PeerWatch;
  #events: TransportEvents | undefined;
  #end: TransportEnd | undefined;
  /** Written before the other side can learn of the end of this one; `undefined` once it can. */
  #held: ArrayBuffer[] | undefined = [];
  /** Ends the listening for errors of the other thread's start. */
  readonly #started: () => void;
  /** Ends the listening for the end of the other thread. */
  readonly #unhook: (() => void) | undefined;
  #posted = 0;
  /** What the peer says that it has taken. */
  #acknowledged = 0;
  #full = false;
  /** Memory that came back, all of the length of the last long record; no more than goes back at a time. */
  #spares: ArrayBuffer[] = [];
  #spareBytes = 0;
  /** Memory that goes back to the peer. */
  #back: ArrayBuffer[] = [];
  #taken = 0;
  /** What the peer was told of `#taken`. */
  #told = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Adopt a port on which nobody listens. Nothing but the two transports may use the channel. */
  constructor(port: PortLike, options: MessagePortOptions = {}, surroundings: PortSurroundings = {}) {
    this.#port = port;
    this.#highWaterBytes = options.highWaterBytes ?? DEFAULT_MESSAGE_PORT_OPTIONS.highWaterBytes;
    this.#watch = new PeerWatch({
      locks: surroundings.locks,
      silenceMs: options.silenceMs ?? DEFAULT_MESSAGE_PORT_OPTIONS.silenceMs,
      ping: () => this.#port.postMessage("ping", []),
      gone: (why) => this.#lose(why),
    });
    port.addEventListener("close", () => this.#lose("the other end is closed"));
    this.#unhook = surroundings.onEnd?.(() => this.#watch.ended());
    this.#started = onFailedStart(surroundings.starter, () => this.#lose("the other thread failed to start"));
  }

  start(events: TransportEvents): void {
    this.#events = events;
    if (this.#end !== undefined) {
      tellEnd(events, this.#end);
      return;
    }
    const port = this.#port;
    port.addEventListener("message", (event) => this.#receive((event as MessageEvent<unknown>).data));
    port.addEventListener("messageerror", () => this.#refuse("a message that cannot be read"));
    port.start();
    this.#watch.announce((lock) => {
      if (this.#end !== undefined) return;
      if (lock !== undefined) port.postMessage({ lock }, []);
      this.#release();
    });
  }

  write(_lane: LaneId, record: Bytes): boolean {
    if (this.#end !== undefined) return true;
    const { byteOffset, length } = record;
    const spare = this.#spare(length);
    if (spare === undefined) return this.#send(record.buffer.slice(byteOffset, byteOffset + length));
    new Uint8Array(spare).set(record);
    return this.#send(spare);
  }

  writeParts(_lane: LaneId, head: Bytes, tail: Bytes): boolean {
    if (this.#end !== undefined) return true;
    const length = head.length + tail.length;
    const record = new Uint8Array(this.#spare(length) ?? new ArrayBuffer(length));
    record.set(head, 0);
    record.set(tail, head.length);
    return this.#send(record.buffer);
  }

  /** Memory for a record that came back from another one of its length. */
  #spare(length: number): ArrayBuffer | undefined {
    if (length < LEAST_OWN_BYTES) return undefined;
    if (length !== this.#spareBytes) this.#spares = [];
    this.#spareBytes = length;
    return this.#spares.pop();
  }

  #send(buffer: ArrayBuffer): boolean {
    this.#posted += buffer.byteLength;
    if (this.#held === undefined) this.#post(buffer);
    else this.#held.push(buffer);
    if (this.#posted - this.#acknowledged > this.#highWaterBytes) this.#full = true;
    return !this.#full;
  }

  /** Bytes that the peer has not said to have taken; it says so in steps, and at the latest after 10 ms. */
  bufferedBytes(_lane: LaneId): number {
    return this.#posted - this.#acknowledged;
  }

  close(code: number, reason: string): void {
    if (this.#end !== undefined) return;
    this.#release();
    this.#port.postMessage({ close: code, reason }, []);
    this.#finish(undefined);
  }

  #post(buffer: ArrayBuffer): void {
    this.#port.postMessage(buffer, buffer.byteLength < TRANSFER_BYTES ? [] : [buffer]);
  }

  /** Post what was held back. */
  #release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const buffer of held) this.#post(buffer);
  }

  #receive(data: unknown): void {
    if (this.#end !== undefined) return;
    this.#started();
    this.#watch.heard();
    if (data instanceof ArrayBuffer) this.#take(data);
    else if (typeof data === "number") this.#acknowledge(data);
    else if (isReturn(data)) {
      const fitting = data.back.filter(({ byteLength }) => byteLength === this.#spareBytes);
      this.#spares = [...this.#spares, ...fitting].slice(0, MOST_RETURNED);
      this.#acknowledge(data.taken);
    } else if (data === "ping") this.#tellSoon();
    else if (isLock(data)) void this.#watch.follow(data.lock);
    else if (isClose(data)) this.#finish(closeError(data, "port"));
    else this.#refuse(`a message of type ${typeof data}`);
  }

  #take(record: ArrayBuffer): void {
    this.#taken += record.byteLength;
    const isHeld = this.#events?.data(MAIN_LANE, new Uint8Array(record)) !== false;
    if (!isHeld && record.byteLength >= LEAST_OWN_BYTES && this.#back.length < MOST_RETURNED)
      this.#back.push(record);
    if (this.#end !== undefined) return;
    if (this.#taken - this.#told >= TELL_BYTES) this.#tell();
    else this.#tellSoon();
  }

  #tellSoon(): void {
    this.#timer ??= setTimeout(() => this.#tell(), TELL_MS);
  }

  #tell(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#told = this.#taken;
    const back = this.#back;
    this.#back = [];
    if (back.length === 0) this.#port.postMessage(this.#taken, []);
    else this.#port.postMessage({ taken: this.#taken, back }, back);
  }

  #acknowledge(taken: number): void {
    if (!(taken >= this.#acknowledged && taken <= this.#posted)) {
      this.#refuse(`${taken} bytes as taken: between ${this.#acknowledged} and ${this.#posted} can be`);
      return;
    }
    this.#acknowledged = taken;
    if (!this.#full || this.#posted - taken > this.#highWaterBytes / 2) return;
    this.#full = false;
    this.#events?.drain(MAIN_LANE);
  }

  /** The peer has sent what it must not. */
  #refuse(what: string): void {
    if (this.#end !== undefined) return;
    const error = new ProtocolError("ERR_PROTOCOL", `Cannot accept ${what}`);
    this.#port.postMessage({ close: closeCodeOf(error.code), reason: error.message }, []);
    this.#finish(error);
  }

  #lose(why: string): void {
    const message = `Cannot continue on port: ${why}`;
    this.#finish(new TransportError(message, { code: "ERR_PEER_GONE" }));
  }

  #finish(error: WireError | undefined): void {
    if (this.#end !== undefined) return;
    this.#end = { error };
    this.#held = undefined;
    this.#spares = this.#back = [];
    this.#started();
    clearTimeout(this.#timer);
    this.#watch.stop();
    this.#unhook?.();
    this.#port.close();
    tellEnd(this.#events, this.#end);
  }
}
