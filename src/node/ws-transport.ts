import { type Bytes, concatBytes } from "../core/bytes.ts";
import type { WireError } from "../core/errors.ts";
import { type LaneId, MAIN_LANE } from "../core/lanes/lane.ts";
import type { Transport, TransportCapabilities, TransportEvents } from "../transports/transport.ts";
import { assertOpen, clipReason, closeError, textError, UNSUPPORTED_DATA } from "../transports/websocket.ts";
import { SLAB_ROOM, type Slab, type SlabRoom } from "./slab-room.ts";
import { readFrames } from "./ws-frames.ts";
import { type Done, type FrameWriter, frameWriter } from "./ws-writer.ts";

/** What is used of a socket of the `ws` package, whose own types are no part of this package. */
export interface WsSocket {
  binaryType: string;
  readonly readyState: number;
  /** What was negotiated; "" for nothing. */
  readonly extensions: string;
  readonly bufferedAmount: number;
  on(event: "message", listener: (data: Uint8Array, isBinary: boolean) => void): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
  on(event: "close", listener: (code: number, reason: { toString(): string }) => void): unknown;
  send(data: Uint8Array, options: typeof SEND_OPTIONS, done: (error?: Error) => void): void;
  close(code: number, reason: string): void;
  terminate(): void;
  pause(): void;
  resume(): void;
}

/** What a `ws` transport bounds. */
export interface WsTransportOptions {
  /** Bytes in the send buffer above which `write` returns false. `drain` comes at a quarter of it. */
  readonly highWaterBytes?: number;
  /** Longest time for the closing handshake; it starts again while `bufferedAmount` falls. Then the socket is cut. */
  readonly closeTimeoutMs?: number;
}

/** The bounds of a `ws` transport that is made without options. */
export const DEFAULT_WS_OPTIONS: Required<WsTransportOptions> = {
  highWaterBytes: 256 * 1024,
  closeTimeoutMs: 5000,
};

const CAPABILITIES: TransportCapabilities = {
  lanes: 1,
  datagrams: false,
  messageBoundaries: true,
  transfer: false, // a record is a view, and its neighbours may lie in the same buffer
  inboundPause: true,
};

/** Records are compressed by the protocol, before they come here. */
const SEND_OPTIONS = { binary: true, compress: false } as const;
const ABNORMAL = 1006;
const OPEN = 1;

/** Transport over a socket of the `ws` package, as a client or as a server. */
export class WsTransport implements Transport {
  readonly name = "websocket";
  readonly capabilities: TransportCapabilities = CAPABILITIES;
  readonly room: SlabRoom | undefined;
  readonly #socket: WsSocket;
  readonly #options: Required<WsTransportOptions>;
  readonly #frames: FrameWriter | undefined;
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
  #paused = false;
  #timer: NodeJS.Timeout | undefined;

  /**
   * Adopt an open socket, inside the listener of its `open` or of the server's `connection` event: after an
   * `await` the first messages may be gone.
   * @throws {StateError} when the socket is not open.
   */
  constructor(socket: WsSocket, options?: WsTransportOptions) {
    assertOpen(socket.readyState);
    this.#socket = socket;
    this.#options = options === undefined ? DEFAULT_WS_OPTIONS : { ...DEFAULT_WS_OPTIONS, ...options };
    this.#frames = frameWriter(socket);
    if (this.#frames !== undefined) this.room = SLAB_ROOM;
    socket.binaryType = "nodebuffer"; // the one type that is neither copied nor left in fragments
    socket.pause(); // until `start`
    socket.on("message", (data, isBinary) => this.#receive(data, isBinary));
    socket.on("error", (error) => this.#fail(error));
    socket.on("close", (code, reason) => this.#finish(code, reason.toString()));
  }

  start(events: TransportEvents): void {
    this.#events = events;
    queueMicrotask(() => {
      const early = this.#early ?? [];
      this.#early = undefined;
      for (const bytes of early) events.data(MAIN_LANE, bytes);
      if (this.#end !== undefined) events.closed(this.#end.error);
      else {
        readFrames(this.#socket, (message) => this.#take(message));
        // The socket reads in another way now, which must stop too.
        if (this.#paused) this.#socket.pause();
        else this.#socket.resume();
      }
    });
  }

  #take(message: Bytes): unknown {
    return this.#failure === undefined ? this.#events?.data(MAIN_LANE, message) : true;
  }

  write(_lane: LaneId, record: Bytes): boolean {
    if (this.#socket.readyState !== OPEN) return true;
    const slab = SLAB_ROOM.slabOf(record);
    if (this.#frames === undefined || slab === undefined)
      this.#socket.send(record, SEND_OPTIONS, this.#drain);
    else this.#frames.write(record, this.#sent(slab));
    return this.#hasRoom();
  }

  /** What is called when the kernel has a record. After an error it may still read from it. */
  #sent(slab: Slab): Done {
    return (error) => {
      if (!error) SLAB_ROOM.release(slab);
      this.#drain();
    };
  }

  writeParts(lane: LaneId, head: Bytes, tail: Bytes): boolean {
    if (this.#socket.readyState !== OPEN) return true;
    const slab = SLAB_ROOM.slabOf(head);
    if (slab === undefined || this.#frames?.writeParts === undefined)
      return this.write(lane, this.#join(head, tail, slab));
    this.#frames.writeParts(head, tail, this.#sent(slab));
    return this.#hasRoom();
  }

  /** Put both parts into one record. */
  #join(head: Bytes, tail: Bytes, slab: Slab | undefined): Bytes {
    const length = head.length + tail.length;
    if (this.room === undefined) return concatBytes([head, tail], length);
    SLAB_ROOM.reserve(length);
    const { slab: bytes, at } = SLAB_ROOM;
    bytes.set(head, at);
    bytes.set(tail, at + head.length);
    const record = SLAB_ROOM.commit(at, at + length);
    if (slab !== undefined) SLAB_ROOM.release(slab);
    return record;
  }

  #hasRoom(): boolean {
    if (this.#socket.bufferedAmount <= this.#options.highWaterBytes) return true;
    this.#over = true;
    return false;
  }

  bufferedBytes(_lane: LaneId): number {
    return this.#socket.bufferedAmount;
  }

  /** Close after what was written. The reason is cut to 123 bytes of UTF-8. */
  close(code: number, reason: string): void {
    const socket = this.#socket;
    if (socket.readyState !== OPEN) return;
    this.#closedHere = true;
    socket.close(code, clipReason(reason));
    socket.resume(); // or the peer's close frame is never read
    this.#limitClosing();
  }

  /** Stop reading from the kernel. Messages that were read with the one now delivered still arrive. */
  pause(): void {
    this.#paused = true;
    this.#socket.pause();
  }

  resume(): void {
    this.#paused = false;
    if (this.#early === undefined) this.#socket.resume();
  }

  #receive(data: Uint8Array, isBinary: boolean): void {
    if (this.#failure !== undefined) return;
    if (!isBinary || !(data instanceof Uint8Array)) {
      this.#failure = textError();
      this.close(UNSUPPORTED_DATA, this.#failure.message);
      return;
    }
    const bytes = new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.length); // `ws` never shares memory
    if (this.#early === undefined) this.#events?.data(MAIN_LANE, bytes);
    else this.#early.push(bytes);
  }

  #fail(cause: Error): void {
    this.#cause = cause;
    this.#limitClosing();
  }

  #finish(code: number, reason: string): void {
    clearTimeout(this.#timer);
    const orderly = code === 1000 || (this.#closedHere && code !== ABNORMAL);
    this.#end = { error: this.#failure ?? (orderly ? undefined : closeError(code, reason, this.#cause)) };
    if (this.#early === undefined) this.#events?.closed(this.#end.error);
  }

  /** After each record that the kernel took. One function for all, so that a `write` makes no closure. */
  readonly #drain = (): void => {
    const socket = this.#socket;
    if (!this.#over || socket.readyState !== OPEN) return;
    if (socket.bufferedAmount > this.#options.highWaterBytes / 4) return;
    this.#over = false;
    this.#events?.drain(MAIN_LANE);
  };

  /** Cut the socket in time, but not while what was written before `close` still goes out. */
  #limitClosing(): void {
    const before = this.#socket.bufferedAmount;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (this.#socket.bufferedAmount < before) this.#limitClosing();
      else this.#socket.terminate();
    }, this.#options.closeTimeoutMs).unref();
  }
}
