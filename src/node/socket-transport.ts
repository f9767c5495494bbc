import type { Socket } from "node:net";
import type { Bytes } from "../core/bytes.ts";
import { StateError, TransportError, type WireError } from "../core/errors.ts";
import { type LaneId, MAIN_LANE } from "../core/lanes/lane.ts";
import type { Transport, TransportCapabilities, TransportEvents } from "../transports/transport.ts";
import { nativeAllowed } from "./native.ts";
import { readShared } from "./shared-read.ts";
import { SLAB_ROOM, type Slab, type SlabRoom } from "./slab-room.ts";

/** How a socket is used. What only TCP has is ignored by IPC. */
export interface SocketOptions {
  /** TCP_NODELAY: small records leave at once. Default true. */
  readonly noDelay?: boolean;
  /** Silence after which the kernel asks whether the peer is there, ms; 0: never. Default 60,000. */
  readonly keepAliveMs?: number;
  /** Time between two such questions, ms; a Node that cannot set it asks every second. Default 10,000. */
  readonly keepAliveIntervalMs?: number;
  /** Bytes that wait in the process above which nothing more is taken from the session. Default 256 KiB. */
  readonly sendBufferBytes?: number;
  /** Bytes that are read ahead while reading is paused. Default 64 KiB. */
  readonly receiveBufferBytes?: number;
  /** Longest time for the peer to close too, ms; it starts again while bytes go out. Default 2,000. */
  readonly closeTimeoutMs?: number;
  /** Records of one burst leave by one `writev`. False, or `TIDEWAY_NATIVE=0`: each as it comes. Default true. */
  readonly vectored?: boolean;
}

/** How a socket is used that is opened without options. */
export const DEFAULT_SOCKET_OPTIONS: Required<SocketOptions> = {
  noDelay: true,
  keepAliveMs: 60_000,
  keepAliveIntervalMs: 10_000,
  sendBufferBytes: 256 * 1024,
  receiveBufferBytes: 64 * 1024,
  closeTimeoutMs: 2_000,
  vectored: true,
};

/** What those who open sockets take of their options. */
export interface SocketUse {
  /** How the sockets are used. */
  readonly socket?: SocketOptions;
  /** False: as with `vectored: false`. Default true. */
  readonly native?: boolean;
}

/** How a socket is used, by both of these options. */
export function socketOptionsOf({ native, socket = {} }: SocketUse): SocketOptions {
  return native === false ? { ...socket, vectored: false } : socket;
}

/** What a transport is told of the socket that it adopts. */
export interface SocketTransportOptions extends SocketOptions {
  /** Whether the peer is on this machine: a Unix socket or a named pipe. Default `"tcp"`, with TLS or without. */
  readonly name?: "tcp" | "ipc";
  /** What connecting took, ms; `undefined` for a socket that was accepted. */
  readonly connectMs?: number;
}

/** `setKeepAlive` as newer versions of Node have it; older ones ignore the interval. */
type SetKeepAlive = (enable: boolean, initialDelay: number, interval: number) => unknown;

const CAPABILITIES: TransportCapabilities = {
  lanes: 1,
  datagrams: false,
  messageBoundaries: false,
  transfer: false,
  inboundPause: true,
};

/** Where microtasks hang. */
const SOON: Promise<void> = Promise.resolve();

/** Transport over an open socket of `node:net` or `node:tls`, as a client or as a server. */
export class SocketTransport implements Transport {
  readonly name: "tcp" | "ipc";
  readonly capabilities: TransportCapabilities = CAPABILITIES;
  readonly room: SlabRoom = SLAB_ROOM;
  /** What connecting took, with the TLS handshake, ms; `undefined` for a socket that was accepted. */
  readonly connectMs: number | undefined;
  readonly #socket: Socket;
  readonly #sendBufferBytes: number;
  readonly #closeTimeoutMs: number;
  readonly #vectored: boolean;
  #events: TransportEvents | undefined;
  /** The socket is gone; what `closed` is told. */
  #end: { readonly error: WireError | undefined } | undefined;
  #state: "open" | "closing" | "closed" = "open";
  #closedHere = false;
  #peerEnded = false;
  #cause: Error | undefined;
  /** The first record of a burst: alone it needs no cork. */
  #first: Bytes | undefined;
  #firstSlab: Slab | undefined;
  #corked = false;
  /** The owner waits for `drain`. */
  #over = false;
  #timer: NodeJS.Timeout | undefined;

  /**
   * Adopt a socket that is open: connected, and for TLS with its handshake done. What has arrived is kept.
   * @throws {StateError} when the socket is not open.
   */
  constructor(socket: Socket, { name = "tcp", connectMs, ...given }: SocketTransportOptions = {}) {
    if (socket.readyState !== "open")
      throw new StateError(`Cannot adopt socket: its state is ${socket.readyState}, expected open`);
    const options = { ...DEFAULT_SOCKET_OPTIONS, ...given };
    this.name = name;
    this.connectMs = connectMs;
    this.#socket = socket;
    this.#sendBufferBytes = options.sendBufferBytes;
    this.#closeTimeoutMs = options.closeTimeoutMs;
    this.#vectored = nativeAllowed(options.vectored);
    if (name === "tcp") tune(socket, options);
    socket.pause(); // until `start`
    socket.on("error", (cause) => {
      this.#cause ??= cause;
    });
    socket.on("end", () => this.#peerEnd());
    socket.on("close", () => this.#finish());
  }

  start(events: TransportEvents): void {
    this.#events = events;
    const socket = this.#socket;
    socket.on("data", this.#receive);
    if (this.#end === undefined) {
      readShared(socket, (bytes) => {
        if (this.#closedHere) return;
        events.data(MAIN_LANE, bytes);
      });
      socket.resume();
    } else SOON.then(() => events.closed(this.#end?.error));
  }

  /** Records wait for {@link flush}, or for the end of the task: those of one burst leave by one `writev`. */
  write(_lane: LaneId, record: Bytes): boolean {
    if (this.#state !== "open") return true;
    if (this.#first !== undefined || this.#corked) this.#push(record);
    else {
      this.#first = record;
      this.#firstSlab = SLAB_ROOM.slabOf(record);
      SOON.then(this.#flush);
    }
    return this.#mayGoOn();
  }

  writeParts(_lane: LaneId, head: Bytes, tail: Bytes): boolean {
    if (this.#state !== "open") return true;
    this.#push(head);
    this.#socket.write(tail, this.#drain);
    return this.#mayGoOn();
  }

  flush(): void {
    const first = this.#first;
    if (first === undefined) return this.#uncork();
    this.#first = undefined;
    if (this.#socket.writable) this.#writeFirst(first);
    else this.#firstSlab = undefined; // the peer has ended it
  }

  readonly #flush = (): void => this.flush();

  #push(record: Bytes): void {
    const socket = this.#socket;
    const first = this.#first;
    if (!this.#corked) {
      this.#corked = true;
      if (this.#vectored) socket.cork();
      if (first === undefined) SOON.then(this.#flush);
    }
    if (first !== undefined) {
      this.#first = undefined;
      this.#writeFirst(first);
    }
    socket.write(record, this.#sent(SLAB_ROOM.slabOf(record)));
  }

  #writeFirst(first: Bytes): void {
    const slab = this.#firstSlab;
    this.#firstSlab = undefined; // or an idle socket keeps it
    this.#socket.write(first, this.#sent(slab));
  }

  /** What is called when the kernel has a record. After an error it may still read from it. */
  #sent(slab: Slab | undefined): (error?: Error | null) => void {
    if (slab === undefined) return this.#drain;
    return (error) => {
      if (!error) SLAB_ROOM.release(slab);
      this.#drain();
    };
  }

  #mayGoOn(): boolean {
    if (this.bufferedBytes(MAIN_LANE) <= this.#sendBufferBytes) return true;
    this.flush(); // the kernel may take all of it at once
    if (this.#socket.writableLength <= this.#sendBufferBytes) return true;
    this.#over = true;
    return false;
  }

  bufferedBytes(_lane: LaneId): number {
    return this.#state === "closed" ? 0 : this.#socket.writableLength + (this.#first?.length ?? 0);
  }

  /**
   * Send the end behind what was written, and read to the peer's end. A peer that does not come to it is cut.
   * Neither `code` nor `reason` travels: the protocol has said both in its last record.
   */
  close(_code: number, _reason: string): void {
    if (this.#state !== "open") return;
    this.flush();
    this.#state = "closing";
    this.#closedHere = true;
    this.#socket.end();
    this.#socket.resume(); // or the peer's end is never read
    this.#limitClosing();
  }

  pause(): void {
    if (this.#state === "open") this.#socket.pause();
  }

  resume(): void {
    if (this.#state === "open") this.#socket.resume();
  }

  readonly #receive = (data: Buffer): void => {
    if (this.#closedHere) return;
    // Every read has a buffer of its own, which is never shared memory.
    this.#events?.data(MAIN_LANE, new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.length));
  };

  #uncork(): void {
    if (!this.#corked) return;
    this.#corked = false;
    if (this.#vectored) this.#socket.uncork();
  }

  /** After each record that the kernel took. One function for all, so that a `write` makes no closure. */
  readonly #drain = (): void => {
    if (!this.#over || this.#state !== "open") return;
    if (this.#socket.destroyed || this.#socket.writableLength > this.#sendBufferBytes / 4) return;
    this.#over = false;
    this.#events?.drain(MAIN_LANE);
  };

  /** Half-close has no meaning: Node ends this side too, behind what waits to be sent. */
  #peerEnd(): void {
    this.#peerEnded = true;
    if (this.#state !== "open") return;
    this.#state = "closing";
    this.#limitClosing();
  }

  #finish(): void {
    clearTimeout(this.#timer);
    this.#state = "closed";
    const orderly = this.#peerEnded && (this.#closedHere || this.#cause === undefined);
    this.#end = { error: orderly ? undefined : this.#lost() };
    this.#events?.closed(this.#end.error);
  }

  #lost(): TransportError {
    const cause = this.#cause;
    const why =
      cause?.message ?? (this.#closedHere ? "the peer did not close in time" : "the socket was cut");
    return new TransportError(`Cannot continue on ${this.name}: ${why}`, { cause });
  }

  /** Cut the socket in time, but not while what was written before `close` still goes out. */
  #limitClosing(): void {
    const before = this.#socket.writableLength;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (this.#socket.writableLength < before) this.#limitClosing();
      else this.#socket.destroy();
    }, this.#closeTimeoutMs).unref();
  }
}

function tune(socket: Socket, options: Required<SocketOptions>): void {
  const { noDelay, keepAliveMs, keepAliveIntervalMs } = options;
  socket.setNoDelay(noDelay);
  const setKeepAlive: SetKeepAlive = socket.setKeepAlive;
  setKeepAlive.call(socket, keepAliveMs > 0, keepAliveMs, keepAliveIntervalMs);
}
