import { type Bytes, decodeText } from "../core/bytes.ts";
import { closeCodeOf, ProtocolError, StateError, TransportError, type WireError } from "../core/errors.ts";
import { type LaneId, MAIN_LANE } from "../core/lanes/lane.ts";
import { encodeReason } from "../core/wire/reason.ts";
import type { Transport, TransportCapabilities, TransportEvents } from "./transport.ts";

/** What a WebSocket transport bounds. */
export interface WebSocketTransportOptions {
  /** Bytes in the send buffer above which `write` returns false. `drain` comes at a quarter of it. */
  readonly highWaterBytes?: number;
}

/** The bounds of a WebSocket transport that is made without options. */
export const DEFAULT_WEBSOCKET_OPTIONS: Required<WebSocketTransportOptions> = { highWaterBytes: 1024 * 1024 };

/** Close code for a message of a type that cannot be read: text. */
export const UNSUPPORTED_DATA: number = closeCodeOf("ERR_PROTOCOL");

const OPEN = 1;
/** Longest reason in a close frame. Source: RFC 6455, section 5.5. */
const MAX_REASON_BYTES = 123;
const FIRST_POLL_MS = 4;
const MAX_POLL_MS = 32;
/** workerd reports a protocol error by `error` alone: the `close` that all others send next is not waited for. */
const ERROR_GRACE_MS = 1000;

const CAPABILITIES: TransportCapabilities = {
  lanes: 1,
  datagrams: false,
  messageBoundaries: true,
  transfer: false,
  inboundPause: false,
};

/** @throws {StateError} when a socket in `state` cannot be adopted. */
export function assertOpen(state: number): void {
  if (state !== OPEN)
    throw new StateError(`Cannot adopt WebSocket: its state is ${state}, expected 1 (open)`);
}

/** `reason` cut to what a close frame holds, between two characters. */
export function clipReason(reason: string): string {
  return decodeText(encodeReason(reason, MAX_REASON_BYTES));
}

/** What `closed` is told when a socket was not closed in order. */
export function closeError(code: number, reason: string, cause: unknown): TransportError {
  const suffix = reason === "" ? "" : `, ${reason}`;
  return new TransportError(`Cannot continue on WebSocket: closed with code ${code}${suffix}`, { cause });
}

/** What `closed` is told after a text message. */
export function textError(): ProtocolError {
  return new ProtocolError("ERR_PROTOCOL", "Cannot read text message: expected binary");
}

/**
 * Transport over the `WebSocket` of the web API: browsers, Deno, Bun, workerd.
 *
 * There is no drain event there. While the send buffer is over the mark, and only then, a timer looks at it;
 * so does every message that arrives, because timers are slow in a background tab. Where `bufferedAmount` does
 * not exist (workerd), `write` never returns false.
 */
export class WebSocketTransport implements Transport {
  readonly name = "websocket";
  readonly capabilities: TransportCapabilities = CAPABILITIES;
  readonly #socket: WebSocket;
  readonly #highWaterBytes: number;
  #events: TransportEvents | undefined;
  /** What arrived before `start`; `undefined` once it was delivered. */
  #early: Bytes[] | undefined = [];
  /** The socket is gone; what `closed` is told. */
  #end: { readonly error: WireError | undefined } | undefined;
  /** The peer sent text: what `closed` will be told. Nothing more is read. */
  #failure: WireError | undefined;
  #cause: unknown;
  #closedHere = false;
  #over = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * Adopt an open socket, in the task in which it opened: a message that comes before is lost.
   * @throws {StateError} when the socket is not open.
   */
  constructor(socket: WebSocket, options: WebSocketTransportOptions = {}) {
    assertOpen(socket.readyState);
    this.#socket = socket;
    this.#highWaterBytes = options.highWaterBytes ?? DEFAULT_WEBSOCKET_OPTIONS.highWaterBytes;
    socket.binaryType = "arraybuffer";
    socket.addEventListener("message", (event) => this.#receive(event.data));
    socket.addEventListener("error", (event) => this.#fail("error" in event ? event.error : undefined));
    socket.addEventListener("close", (event) => this.#finish(event.code, event.reason, event.wasClean));
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
    socket.send(record);
    const over = socket.bufferedAmount > this.#highWaterBytes; // false for undefined
    if (over && !this.#over) {
      this.#over = true;
      this.#poll(FIRST_POLL_MS);
    }
    return !over;
  }

  bufferedBytes(_lane: LaneId): number | undefined {
    return this.#socket.bufferedAmount;
  }

  /**
   * The web API sends code 1000 and 3000..4999 only. Every other code goes out as 3000 + `code`: 1002 as 4002.
   * The reason is cut to 123 bytes of UTF-8.
   */
  close(code: number, reason: string): void {
    if (this.#socket.readyState !== OPEN) return;
    this.#closedHere = true;
    this.#stopPolling();
    this.#socket.close(code === 1000 || code >= 3000 ? code : 3000 + code, clipReason(reason));
  }

  #receive(data: unknown): void {
    if (this.#failure !== undefined || this.#end !== undefined) return;
    if (!(data instanceof ArrayBuffer)) {
      this.#failure = textError();
      this.close(UNSUPPORTED_DATA, this.#failure.message);
      return;
    }
    const bytes = new Uint8Array(data);
    if (this.#early === undefined) this.#events?.data(MAIN_LANE, bytes);
    else this.#early.push(bytes);
    if (this.#over) this.#drain();
  }

  #fail(cause: unknown): void {
    if (this.#end !== undefined) return;
    this.#cause = cause;
    this.#stopPolling();
    this.#timer = setTimeout(() => this.#finish(1006, "", false), ERROR_GRACE_MS);
  }

  #finish(code: number, reason: string, wasClean: boolean): void {
    if (this.#end !== undefined) return;
    this.#stopPolling();
    // Deno ends a closing handshake with code 0 when a message came before the answer.
    const answered = wasClean || code === 0;
    const orderly = this.#closedHere ? answered : wasClean && code === 1000;
    this.#end = { error: this.#failure ?? (orderly ? undefined : closeError(code, reason, this.#cause)) };
    this.#socket.close(); // workerd leaves the answer to us; elsewhere this does nothing
    if (this.#early === undefined) this.#events?.closed(this.#end.error);
  }

  #poll(delayMs: number): void {
    this.#timer = setTimeout(() => {
      if (!this.#drain()) this.#poll(Math.min(delayMs * 2, MAX_POLL_MS));
    }, delayMs);
  }

  #drain(): boolean {
    if (this.#socket.bufferedAmount > this.#highWaterBytes / 4) return false;
    this.#stopPolling();
    this.#events?.drain(MAIN_LANE);
    return true;
  }

  #stopPolling(): void {
    this.#over = false;
    clearTimeout(this.#timer);
  }
}
