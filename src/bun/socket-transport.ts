import type { Bytes } from "../core/bytes.ts";
import { messageOf, TransportError, type WireError } from "../core/errors.ts";
import { type LaneId, MAIN_LANE } from "../core/lanes/lane.ts";
import { Queue } from "../core/queue.ts";
import type { Transport, TransportCapabilities, TransportEvents } from "../transports/transport.ts";
import type { BunSocket, BunSocketHandler } from "./bun-namespace.ts";

/** What a transport over a socket of Bun bounds. */
export interface BunSocketTransportOptions {
  /** Bytes that wait above which `write` returns false. `drain` comes at a quarter of it. */
  readonly highWaterBytes?: number;
  /** Longest time for the end of a connection, ms; it starts again while bytes go out. Then it is cut. */
  readonly closeTimeoutMs?: number;
  /** Called when the connection is gone, before `closed`. */
  readonly onClosed?: () => void;
}

/** The bounds of a transport that is made without options. */
export const DEFAULT_BUN_SOCKET_OPTIONS: Required<BunSocketTransportOptions> = {
  highWaterBytes: 256 * 1024,
  closeTimeoutMs: 5000,
  onClosed: () => {},
};

const CAPABILITIES: TransportCapabilities = {
  lanes: 1,
  datagrams: false,
  messageBoundaries: false,
  transfer: false,
  inboundPause: true,
};

/** What the sockets of a listener or of a dial carry. */
export interface BunSocketData {
  /** From the moment on at which something may be written. */
  transport: BunSocketTransport | undefined;
  /** Before that: what is told when the socket is gone, and why. */
  gone?: ((cause: unknown) => void) | undefined;
}

/** What is done with the sockets of a listener or of a dial. */
export interface BunSocketHooks {
  /** Whether a TLS handshake comes first. */
  readonly secure: boolean;
  /** A socket is open. @returns what is told when it is gone before it is {@link ready}; `undefined` to end it */
  opened(socket: BunSocket<BunSocketData>): ((cause: unknown) => void) | undefined;
  /** Something may be written: make the transport. */
  ready(socket: BunSocket<BunSocketData>): BunSocketTransport | undefined;
}

/** Hands what Bun tells of sockets on to their transports. */
export function socketHandler(hooks: BunSocketHooks): BunSocketHandler<BunSocketData> {
  const ready = (socket: BunSocket<BunSocketData>) => {
    socket.data = { transport: hooks.ready(socket) };
  };
  const gone = (socket: BunSocket<BunSocketData>, cause: unknown) => {
    const tell = socket.data?.gone;
    if (tell !== undefined) socket.data = { transport: undefined };
    tell?.(cause);
  };
  return {
    open(socket) {
      const tell = hooks.opened(socket);
      socket.data = { transport: undefined, gone: tell }; // what `listen` is given is one object for all
      if (tell === undefined) socket.terminate();
      else if (!hooks.secure) ready(socket);
    },
    handshake(socket, success, error) {
      if (!hooks.secure || socket.data.gone === undefined) return;
      if (success) return ready(socket);
      gone(socket, error);
      socket.terminate();
    },
    data: (socket, bytes) => socket.data.transport?.received(bytes),
    drain: (socket) => socket.data.transport?.flush(),
    end: (socket) => socket.data.transport?.peerEnded(),
    close: (socket, error) => {
      gone(socket, error);
      socket.data?.transport?.closed(error);
    },
    error: (socket, error) => socket.data?.transport?.failed(error),
  };
}

/** Transport over a TCP connection or a Unix socket of Bun. */
export class BunSocketTransport implements Transport {
  readonly name: "tcp" | "ipc";
  readonly capabilities: TransportCapabilities = CAPABILITIES;
  readonly #socket: BunSocket<BunSocketData>;
  readonly #options: Required<BunSocketTransportOptions>;
  #events: TransportEvents | undefined;
  /** What arrived before `start`; `undefined` once it was delivered. */
  #early: Bytes[] | undefined = [];
  /** What the kernel has not taken; of the oldest record it has the first `#headBytes`. */
  readonly #queue: Queue<Bytes> = new Queue();
  #headBytes = 0;
  #queuedBytes = 0;
  #over = false;
  #closing = false;
  #cause: unknown;
  /** The socket is gone; what `closed` is told. */
  #end: { readonly error: WireError | undefined } | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Adopt an open socket, in the handler of its `open`. */
  constructor(
    socket: BunSocket<BunSocketData>,
    name: "tcp" | "ipc",
    options: BunSocketTransportOptions = {},
  ) {
    this.name = name;
    this.#socket = socket;
    this.#options = { ...DEFAULT_BUN_SOCKET_OPTIONS, ...options };
    if (name === "tcp") socket.setNoDelay?.(true);
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
    if (this.#closing || this.#end !== undefined) return true;
    const taken = this.#queuedBytes === 0 ? Math.max(0, this.#socket.write(record)) : 0;
    if (taken === record.length) return true;
    this.#queue.push(record.subarray(taken));
    this.#queuedBytes += record.length - taken;
    if (this.#queuedBytes <= this.#options.highWaterBytes) return true;
    this.#over = true;
    return false;
  }

  bufferedBytes(_lane: LaneId): number {
    return this.#queuedBytes;
  }

  /** Close after what was written. A byte stream carries neither code nor reason. */
  close(_code: number, _reason: string): void {
    if (this.#closing || this.#end !== undefined) return;
    this.#closing = true;
    this.#over = false;
    this.#socket.resume(); // or the peer's end is never seen
    if (this.#queuedBytes === 0) this.#socket.shutdown();
    this.#limitClosing();
  }

  pause(): void {
    if (!this.#closing && this.#end === undefined) this.#socket.pause();
  }

  resume(): void {
    if (this.#end === undefined) this.#socket.resume();
  }

  /** For the socket's handler: bytes came. */
  received(data: Uint8Array): void {
    if (this.#end !== undefined) return;
    const bytes = new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.length); // Bun gives a `Buffer`
    if (this.#early === undefined) this.#events?.data(MAIN_LANE, bytes);
    else this.#early.push(bytes);
  }

  /** For the socket's handler: the kernel takes bytes again. */
  flush(): void {
    if (this.#end !== undefined) return;
    for (let next = this.#queue.peek(); next !== undefined; next = this.#queue.peek()) {
      const left = this.#headBytes === 0 ? next : next.subarray(this.#headBytes);
      const taken = Math.max(0, this.#socket.write(left));
      this.#queuedBytes -= taken;
      if (taken < left.length) {
        this.#headBytes += taken;
        break;
      }
      this.#headBytes = 0;
      this.#queue.shift();
    }
    if (this.#closing && this.#queuedBytes === 0) this.#socket.shutdown();
    if (!this.#over || this.#queuedBytes > this.#options.highWaterBytes / 4) return;
    this.#over = false;
    this.#events?.drain(MAIN_LANE);
  }

  /** For the socket's handler: the peer closes in order, and so does this side. */
  peerEnded(): void {
    if (this.#end !== undefined) return;
    if (!this.#closing) this.#socket.shutdown();
    this.#finish(undefined);
  }

  /** For the socket's handler: something is wrong, and `close` follows. */
  failed(cause: unknown): void {
    this.#cause ??= cause;
  }

  /** For the socket's handler: the socket is closed. */
  closed(cause: unknown): void {
    this.#finish(cause ?? this.#cause);
  }

  #finish(cause: unknown): void {
    if (this.#end !== undefined) return;
    clearTimeout(this.#timer);
    this.#end = { error: cause === undefined ? undefined : lossError(cause) };
    this.#queue.clear();
    this.#queuedBytes = 0;
    this.#options.onClosed();
    if (this.#early === undefined) this.#events?.closed(this.#end.error);
  }

  /** Cut the connection in time, but not while what was written before `close` still goes out. */
  #limitClosing(): void {
    const before = this.#queuedBytes;
    this.#timer = setTimeout(() => {
      if (this.#end !== undefined) return;
      if (this.#queuedBytes < before) this.#limitClosing();
      else this.#socket.terminate();
    }, this.#options.closeTimeoutMs);
  }
}

function lossError(cause: unknown): TransportError {
  const reason = messageOf(cause);
  return new TransportError(`Cannot continue on connection: ${reason}`, { cause });
}
