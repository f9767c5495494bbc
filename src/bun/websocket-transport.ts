import type { Bytes } from "../core/bytes.ts";
import { TransportError, type WireError } from "../core/errors.ts";
import { type LaneId, MAIN_LANE } from "../core/lanes/lane.ts";
import type { Transport, TransportCapabilities, TransportEvents } from "../transports/transport.ts";
import { assertOpen, clipReason, closeError, textError, UNSUPPORTED_DATA } from "../transports/websocket.ts";
import type { BunWebSocket } from "./bun-namespace.ts";

/** What a transport over a WebSocket of `Bun.serve` bounds. */
export interface BunWebSocketTransportOptions {
  /** Bytes that wait above which `write` returns false; `drain` comes when none does. */
  readonly highWaterBytes?: number;
  /** Longest time for the closing handshake, ms; it starts again while bytes go out. Then the socket is cut. */
  readonly closeTimeoutMs?: number;
}

/** The bounds of a transport that is made without options. */
export const DEFAULT_BUN_WEBSOCKET_OPTIONS: Required<BunWebSocketTransportOptions> = {
  highWaterBytes: 256 * 1024,
  closeTimeoutMs: 5000,
};

const CAPABILITIES: TransportCapabilities = {
  lanes: 1,
  datagrams: false,
  messageBoundaries: true,
  transfer: false,
  inboundPause: false,
};

const OPEN = 1;
const DROPPED = 0;
const ABNORMAL = 1006;

/**
 * Transport over the server's end of a WebSocket of Bun. Bun tells the server, not the socket, what happens: whoever
 * owns the server hands `message`, `drain` and `close` on.
 */
export class BunWebSocketTransport implements Transport {
  readonly name = "websocket";
  readonly capabilities: TransportCapabilities = CAPABILITIES;
  readonly #socket: BunWebSocket<unknown>;
  readonly #options: Required<BunWebSocketTransportOptions>;
  #events: TransportEvents | undefined;
  /** What arrived before `start`; `undefined` once it was delivered. */
  #early: Bytes[] | undefined = [];
  /** The socket is gone; what `closed` is told. */
  #end: { readonly error: WireError | undefined } | undefined;
  /** What went wrong on this side: what `closed` will be told. Nothing more is read. */
  #failure: WireError | undefined;
  #closedHere = false;
  #over = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * Adopt an open socket, in the handler of its `open`.
   * @throws {StateError} when the socket is not open.
   */
  constructor(socket: BunWebSocket<unknown>, options: BunWebSocketTransportOptions = {}) {
    assertOpen(socket.readyState);
    this.#socket = socket;
    this.#options = { ...DEFAULT_BUN_WEBSOCKET_OPTIONS, ...options };
    socket.binaryType = "uint8array";
  }

  start(events: TransportEvents): void {
    this.#events = events;
    queueMicrotask(() => {
      const early = this.#early ?? [];
      this.#early = undefined;
      for (const bytes of early) events.data(MAIN_LANE, bytes);
      if (this.#end !== undefined) events.closed(this.#end.error);
    });
  }

  write(_lane: LaneId, record: Bytes): boolean {
    const socket = this.#socket;
    if (socket.readyState !== OPEN) return true;
    const sent = socket.send(record);
    if (sent > 0) return true;
    if (sent === DROPPED) {
      // Behind a gap nothing can be read any more.
      this.#failure = new TransportError(`Cannot continue on WebSocket: ${record.length} bytes were dropped`);
      socket.terminate();
      return true;
    }
    if (socket.getBufferedAmount() <= this.#options.highWaterBytes) return true;
    this.#over = true;
    return false;
  }

  bufferedBytes(_lane: LaneId): number {
    return this.#socket.readyState === OPEN ? this.#socket.getBufferedAmount() : 0;
  }

  /** Close after what was written. The reason is cut to 123 bytes of UTF-8. */
  close(code: number, reason: string): void {
    if (this.#socket.readyState !== OPEN) return;
    this.#closedHere = true;
    this.#over = false;
    this.#socket.close(code, clipReason(reason));
    this.#limitClosing();
  }

  /** For the server: a message came. */
  message(message: string | Uint8Array): void {
    if (this.#failure !== undefined || this.#end !== undefined) return;
    if (typeof message === "string") {
      this.#failure = textError();
      this.close(UNSUPPORTED_DATA, this.#failure.message);
      return;
    }
    const bytes = message as Bytes; // Bun copies each message into a buffer of its own
    if (this.#early === undefined) this.#events?.data(MAIN_LANE, bytes);
    else this.#early.push(bytes);
  }

  /** For the server: the send buffer is empty. */
  drain(): void {
    if (!this.#over || this.#end !== undefined) return;
    if (this.#socket.getBufferedAmount() > this.#options.highWaterBytes / 4) return;
    this.#over = false;
    this.#events?.drain(MAIN_LANE);
  }

  /** For the server: the socket is closed. */
  closed(code: number, reason: string): void {
    if (this.#end !== undefined) return;
    clearTimeout(this.#timer);
    const orderly = code === 1000 || (this.#closedHere && code !== ABNORMAL);
    this.#end = { error: this.#failure ?? (orderly ? undefined : closeError(code, reason, undefined)) };
    if (this.#early === undefined) this.#events?.closed(this.#end.error);
  }

  /** Cut the socket in time, but not while what was written before `close` still goes out. */
  #limitClosing(): void {
    const before = this.#socket.getBufferedAmount();
    this.#timer = setTimeout(() => {
      if (this.#end !== undefined) return;
      if (this.#socket.getBufferedAmount() < before) this.#limitClosing();
      else this.#socket.terminate();
    }, this.#options.closeTimeoutMs);
  }
}
