import { type Bytes, concatBytes } from "../core/bytes.ts";
import { messageOf, TransportError, type WireError } from "../core/errors.ts";
import { type LaneId, MAIN_LANE } from "../core/lanes/lane.ts";
import type { Transport, TransportCapabilities, TransportEvents } from "../transports/transport.ts";
import type { DenoConn } from "./deno-namespace.ts";

/** What a transport over a `Deno.Conn` bounds. */
export interface DenoTransportOptions {
  /** Bytes that wait above which `write` returns false. `drain` comes at a quarter of it. */
  readonly highWaterBytes?: number;
  /** Longest time for the end of a connection; it starts again while bytes go out. Then it is cut. */
  readonly closeTimeoutMs?: number;
  /** Called when the connection is gone, before `closed`. */
  readonly onClosed?: () => void;
}

/** The bounds of a transport that is made without options. */
export const DEFAULT_DENO_OPTIONS: Required<DenoTransportOptions> = {
  onClosed: () => {},
  highWaterBytes: 256 * 1024,
  closeTimeoutMs: 5000,
};

const CAPABILITIES: TransportCapabilities = {
  lanes: 1,
  datagrams: false,
  messageBoundaries: false,
  transfer: false, // neighbours lie in the same buffer
  inboundPause: true,
};

/** What is read into; small pieces share one. */
const SLAB_BYTES = 64 * 1024;
/** With less room a new one is taken. */
const LEAST_ROOM_BYTES = 4 * 1024;
/** Records that wait are written together up to this length: each write is a call into the runtime. */
const JOIN_BYTES = 64 * 1024;

/** Transport over a TCP connection or a Unix socket of Deno. */
export class DenoTransport implements Transport {
  readonly name: "tcp" | "ipc";
  readonly capabilities: TransportCapabilities = CAPABILITIES;
  readonly #conn: DenoConn;
  readonly #options: Required<DenoTransportOptions>;
  #events: TransportEvents | undefined;
  #queue: Bytes[] = [];
  #queuedBytes = 0;
  #writing = false;
  #over = false;
  #closing = false;
  #ended = false;
  #paused = false;
  /** Ends the wait of the reading while it is paused. */
  #goOn: (() => void) | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Adopt an open connection. */
  constructor(conn: DenoConn, options: DenoTransportOptions = {}) {
    this.#conn = conn;
    this.#options = { ...DEFAULT_DENO_OPTIONS, ...options };
    this.name = conn.remoteAddr.transport === "unix" ? "ipc" : "tcp";
    conn.setNoDelay?.(true);
  }

  start(events: TransportEvents): void {
    this.#events = events;
    queueMicrotask(() => void this.#read());
  }

  write(_lane: LaneId, record: Bytes): boolean {
    if (this.#closing || this.#ended) return true;
    this.#queue.push(record);
    this.#queuedBytes += record.length;
    if (!this.#writing) void this.#flush();
    if (this.#queuedBytes <= this.#options.highWaterBytes) return true;
    this.#over = true;
    return false;
  }

  bufferedBytes(_lane: LaneId): number {
    return this.#queuedBytes;
  }

  /** Close after what was written. A byte stream carries neither code nor reason. */
  close(_code: number, _reason: string): void {
    if (this.#closing || this.#ended) return;
    this.#closing = true;
    this.#over = false;
    if (!this.#writing) void this.#flush();
    this.resume(); // or the peer's end is never seen
    this.#limitClosing();
  }

  /** Stop reading: at most one piece more is taken from the kernel, and kept. */
  pause(): void {
    this.#paused = !this.#closing;
  }

  resume(): void {
    this.#paused = false;
    this.#goOn?.();
  }

  async #read(): Promise<void> {
    let slab: Bytes = new Uint8Array(SLAB_BYTES);
    let at = 0;
    try {
      while (!this.#ended) {
        const count = await this.#conn.read(at === 0 ? slab : slab.subarray(at));
        while (this.#paused && !this.#ended) await new Promise<void>((resolve) => (this.#goOn = resolve));
        if (this.#ended) return;
        if (count === null) return this.#finish(undefined);
        const bytes = slab.subarray(at, at + count);
        at += count;
        if (SLAB_BYTES - at < LEAST_ROOM_BYTES) {
          slab = new Uint8Array(SLAB_BYTES);
          at = 0;
        }
        this.#events?.data(MAIN_LANE, bytes);
      }
    } catch (cause) {
      this.#finish(lossError(cause));
    }
  }

  async #flush(): Promise<void> {
    this.#writing = true;
    try {
      while (this.#queue.length > 0) {
        const bytes = this.#take();
        for (let at = 0; at < bytes.length && !this.#ended; ) {
          const count = await this.#conn.write(at === 0 ? bytes : bytes.subarray(at));
          at += count;
          this.#queuedBytes -= count;
          this.#drain();
        }
      }
      if (this.#closing && !this.#ended) await this.#conn.closeWrite();
    } catch (cause) {
      this.#finish(lossError(cause));
    }
    this.#writing = false;
  }

  /** The records that go out next, joined. */
  #take(): Bytes {
    const queue = this.#queue;
    let length = queue[0]?.length ?? 0;
    let count = 1;
    for (; count < queue.length; count++) {
      const next = length + (queue[count]?.length ?? 0);
      if (next > JOIN_BYTES) break;
      length = next;
    }
    const taken = queue.splice(0, count);
    return taken.length === 1 ? (taken[0] as Bytes) : concatBytes(taken, length);
  }

  #drain(): void {
    if (!this.#over || this.#ended || this.#queuedBytes > this.#options.highWaterBytes / 4) return;
    this.#over = false;
    this.#events?.drain(MAIN_LANE);
  }

  #finish(error: WireError | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#queue = [];
    this.#queuedBytes = 0;
    this.#goOn?.();
    closeQuietly(this.#conn);
    this.#options.onClosed();
    this.#events?.closed(error);
  }

  /** Cut the connection in time, but not while what was written before `close` still goes out. */
  #limitClosing(): void {
    const before = this.#queuedBytes;
    this.#timer = setTimeout(() => {
      if (this.#queuedBytes < before) this.#limitClosing();
      else this.#finish(undefined);
    }, this.#options.closeTimeoutMs);
  }
}

function lossError(cause: unknown): TransportError {
  const reason = messageOf(cause);
  return new TransportError(`Cannot continue on connection: ${reason}`, { cause });
}

function closeQuietly(conn: DenoConn): void {
  try {
    conn.close();
  } catch {
    // It is closed already.
  }
}
