import type { Bytes } from "../core/bytes.ts";
import { TransportError, type WireError } from "../core/errors.ts";
import { type LaneId, MAIN_LANE } from "../core/lanes/lane.ts";
import { type LaneReadable, plainBytes, readerOf } from "./lane-reader.ts";
import { type LaneWritable, LaneWriter } from "./lane-writer.ts";
import {
  DATAGRAM_LANE,
  type Transport,
  type TransportCapabilities,
  type TransportEvents,
} from "./transport.ts";
import { clipReason } from "./websocket.ts";

/** What is read from, as far as the transport uses it. */
export interface WebTransportReadable<T> {
  getReader(): {
    read(): Promise<{ readonly done: boolean; readonly value?: T | undefined }>;
    releaseLock(): void;
  };
}

/** What is written to, as far as the transport uses it. */
export type WebTransportWritable = LaneWritable;

/** A bidirectional stream. */
export interface WebTransportLane {
  readonly readable: LaneReadable;
  readonly writable: WebTransportWritable;
}

/** A session of the web's API, as far as the transport uses it: of a browser, of Deno, of a package for Node. */
export interface WebTransportSession {
  /** `"reliable-only"` where TCP carries the session: by HTTP/2. */
  readonly reliability?: string;
  readonly closed: Promise<{ readonly closeCode?: number; readonly reason?: string }>;
  /** Older engines have `writable`, newer ones `createWritable`. */
  readonly datagrams: {
    readonly readable: WebTransportReadable<Uint8Array>;
    readonly writable?: WebTransportWritable;
    readonly maxDatagramSize: number;
    createWritable?(): WebTransportWritable;
  };
  readonly incomingBidirectionalStreams: WebTransportReadable<WebTransportLane>;
  createBidirectionalStream(): Promise<WebTransportLane>;
  close(info?: { closeCode: number; reason: string }): void;
}

/** What a WebTransport transport bounds. */
export interface WebTransportTransportOptions {
  /** Bytes that a lane has not taken yet above which `write` returns false. `drain` comes at a quarter of it. */
  readonly highWaterBytes?: number;
  /** How long `close` waits until what was written is handed to the runtime, ms. */
  readonly closeMs?: number;
  /** How long it then waits for the end of the peer's stream, ms. */
  readonly lingerMs?: number;
}

/** The bounds of a WebTransport transport that is made without options. */
export const DEFAULT_WEBTRANSPORT_OPTIONS: Required<WebTransportTransportOptions> = {
  highWaterBytes: 256 * 1024,
  closeMs: 10_000,
  lingerMs: 3_000,
};

/** Datagrams that are handed to the runtime and not taken yet: more wait in the connection, where old ones drop. */
const MOST_DATAGRAMS_AHEAD = 16;
/** Most that is read at a time. */
const PIECE_BYTES = 65_536;
/** How long after the end of the lane the session is given to say why, ms. */
const REASON_GRACE_MS = 1_000;

/** Lanes that are taken from the peer beside the main one: as many as any limit of the protocol allows. */
const MOST_LANES = 256;

const CAPABILITIES: Omit<TransportCapabilities, "lanes"> = {
  datagrams: true,
  messageBoundaries: false,
  transfer: false,
  inboundPause: true,
};

/**
 * The main lane of a session as the one that did not open it sees it: the first stream of the peer.
 * @throws {TransportError} when the session ends before.
 */
export async function acceptLane(session: WebTransportSession): Promise<WebTransportLane> {
  const reader = session.incomingBidirectionalStreams.getReader();
  const { done, value } = await reader.read();
  reader.releaseLock();
  if (done || value === undefined)
    throw new TransportError("Cannot accept session: its peer opened no stream");
  return value;
}

/**
 * Transport over a WebTransport session: a bidirectional stream that carries bytes, more of them as further lanes, and
 * datagrams. A lane is written by the side that opened it; only the main lane goes both ways.
 *
 * Closing a session throws away what is on its way. So `close` ends the stream, and the session is closed by the
 * side that has written everything and has seen the end of the peer's stream, or when it has waited long enough. An
 * end of the stream that does not arrive costs time, nothing else: the end of a connection is a frame of its own.
 */
export class WebTransportTransport implements Transport {
  readonly name = "webtransport";
  readonly capabilities: TransportCapabilities;
  readonly #session: WebTransportSession;
  readonly #options: Required<WebTransportTransportOptions>;
  readonly #datagrams: ReturnType<WebTransportWritable["getWriter"]> | undefined;
  /** The main lane. */
  #lane: WebTransportLane | undefined;
  /** The lanes of this side by number, the main one first. */
  readonly #writers: LaneWriter[] = [];
  /** The other lanes of both sides: half of each is never used, and must not be collected. */
  readonly #kept: WebTransportLane[] = [];
  #events: TransportEvents | undefined;
  #datagramsAhead = 0;
  #datagramsBlocked = false;
  #resume: (() => void) | undefined;
  #resumed: Promise<void> | undefined;
  #closing: { readonly closeCode: number; readonly reason: string } | undefined;
  /** Everything was written, the end of the stream too. */
  #flushed = false;
  /** The peer's stream has ended. */
  #peerEnded = false;
  #ending = false;
  #broken = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** The session is gone; what `closed` is told. */
  #end: { readonly error: WireError | undefined } | undefined;

  /**
   * Adopt a session that is ready.
   * @param lane - its main lane: a stream that this side has created, or what {@link acceptLane} gives
   */
  constructor(
    session: WebTransportSession,
    lane: WebTransportLane | Promise<WebTransportLane>,
    options: WebTransportTransportOptions = {},
  ) {
    this.#session = session;
    // Streams of one TCP connection wait for each other's lost packets: more lanes would be of no use. And with the package
    // for Node, a stream that the server opens over HTTP/2 stands still after 64 KiB when writes follow each other.
    const lanes = session.reliability === "reliable-only" ? 1 : MOST_LANES + 1;
    this.capabilities = { ...CAPABILITIES, lanes };
    this.#options = { ...DEFAULT_WEBTRANSPORT_OPTIONS, ...options };
    this.#datagrams = datagramWriter(session);
    this.#addWriter();
    session.closed.then(this.#sessionClosed, (cause: unknown) =>
      this.#finish(lossError("session lost", cause)),
    );
    if (lane instanceof Promise) lane.then(this.#adopt, this.#laneLost);
    else this.#adopt(lane);
  }

  /** Largest datagram that fits now, bytes; 0 where there are none. */
  get maxDatagramBytes(): number {
    return this.#datagrams === undefined ? 0 : this.#session.datagrams.maxDatagramSize;
  }

  start(events: TransportEvents): void {
    queueMicrotask(() => {
      this.#events = events;
      if (this.#end !== undefined) return events.closed(this.#end.error);
      if (this.#lane !== undefined) this.#begin(this.#lane);
      void this.#readDatagrams();
    });
  }

  write(lane: LaneId, record: Bytes): boolean {
    return this.#isOver || (this.#writers[lane] as LaneWriter).write(record);
  }

  writeParts(lane: LaneId, head: Bytes, tail: Bytes): boolean {
    this.write(lane, head);
    return this.write(lane, tail);
  }

  openLane(): LaneId {
    const writer = this.#addWriter();
    this.#session.createBidirectionalStream().then((lane) => {
      this.#kept.push(lane);
      writer.adopt(lane.writable);
    }, this.#laneLost);
    return (this.#writers.length - 1) as LaneId;
  }

  /** Nothing more is written: the session is gone, or closes. */
  get #isOver(): boolean {
    return this.#closing !== undefined || this.#end !== undefined;
  }

  #addWriter(): LaneWriter {
    const lane = this.#writers.length as LaneId;
    const drain = () => {
      if (!this.#isOver) this.#events?.drain(lane);
    };
    const writer = new LaneWriter(this.#options.highWaterBytes, { drain, lost: this.#laneLost });
    this.#writers.push(writer);
    return writer;
  }

  /** @returns false when enough of them are on their way to the runtime: wait for `drain` of {@link DATAGRAM_LANE}. */
  writeDatagram(payload: Bytes): boolean {
    if (this.#datagrams === undefined || this.#isOver) return true;
    this.#datagramsAhead++;
    this.#datagrams.write(payload).then(this.#datagramTaken, this.#datagramTaken);
    this.#datagramsBlocked = this.#datagramsAhead >= MOST_DATAGRAMS_AHEAD;
    return !this.#datagramsBlocked;
  }

  bufferedBytes(lane: LaneId): number {
    return (this.#writers[lane] as LaneWriter).bufferedBytes;
  }

  /** `code` becomes the close code of the session; the reason is cut to 123 bytes of UTF-8. */
  close(code: number, reason: string): void {
    if (this.#isOver) return;
    this.#closing = { closeCode: code, reason: clipReason(reason) };
    this.resume();
    this.#endLane();
  }

  /** The peer waits for the end of the session, and for nothing else. */
  peerClosed(): void {
    this.#peerEnded = this.#flushed = true;
  }

  /** Take nothing more from the stream; its flow control then pushes back on the peer. */
  pause(): void {
    if (this.#closing !== undefined) return;
    this.#resumed ??= new Promise((resolve) => {
      this.#resume = resolve;
    });
  }

  resume(): void {
    this.#resume?.();
    this.#resumed = undefined;
  }

  readonly #adopt = (lane: WebTransportLane): void => {
    if (this.#end !== undefined) return;
    this.#lane = lane;
    (this.#writers[MAIN_LANE] as LaneWriter).adopt(lane.writable);
    if (this.#events !== undefined) this.#begin(lane);
  };

  /** Read the main lane, and take those that the peer opens. */
  #begin(lane: WebTransportLane): void {
    void this.#read(lane, MAIN_LANE);
    void this.#acceptLanes();
  }

  async #acceptLanes(): Promise<void> {
    try {
      const reader = this.#session.incomingBidirectionalStreams.getReader();
      for (let count = 1; count <= MOST_LANES; count++) {
        const { done, value } = await reader.read();
        if (done || value === undefined || this.#end !== undefined) return;
        this.#kept.push(value);
        const lane = (DATAGRAM_LANE - count) as LaneId;
        this.#events?.lane(lane);
        void this.#read(value, lane);
      }
    } catch {
      // The session is over, which `closed` tells.
    }
  }

  async #read({ readable }: WebTransportLane, lane: LaneId): Promise<void> {
    try {
      const reader = readerOf(readable);
      let memory: Bytes = new Uint8Array(PIECE_BYTES);
      for (;;) {
        const { done, value } = await reader.read(memory);
        while (this.#resumed !== undefined) await this.#resumed;
        if (this.#end !== undefined) return;
        if (done || value === undefined) break;
        this.#events?.data(lane, plainBytes(value));
        memory = new Uint8Array(value.buffer as ArrayBuffer);
      }
      if (lane !== MAIN_LANE) return;
      this.#peerEnded = true;
      this.#endLane();
      this.#settle();
    } catch (cause) {
      this.#laneLost(cause);
    }
  }

  async #readDatagrams(): Promise<void> {
    try {
      const reader = this.#session.datagrams.readable.getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done || value === undefined || this.#end !== undefined) return;
        this.#events?.datagram(plainBytes(value));
      }
    } catch {
      // The session is over, which `closed` tells, or this engine reads no datagrams.
    }
  }

  readonly #datagramTaken = (): void => {
    this.#datagramsAhead--;
    if (!this.#datagramsBlocked || this.#datagramsAhead > MOST_DATAGRAMS_AHEAD / 4) return;
    this.#datagramsBlocked = false;
    if (!this.#isOver) this.#events?.drain(DATAGRAM_LANE);
  };

  /** End this side of the stream behind what was written, once. */
  #endLane(): void {
    if (this.#ending || this.#broken) return;
    this.#ending = true;
    const ended = this.#flushed ? undefined : (this.#writers[MAIN_LANE] as LaneWriter).close();
    // Without a lane the peer has never opened one, and nothing is on its way.
    if (ended === undefined) return queueMicrotask(() => this.#closeSession());
    const flushed = () => {
      this.#flushed = true;
      this.#closeIn(this.#options.lingerMs);
      this.#settle();
    };
    this.#closeIn(this.#options.closeMs);
    ended.then(flushed, flushed);
  }

  #closeIn(ms: number, error?: WireError): void {
    clearTimeout(this.#timer);
    if (this.#end === undefined) this.#timer = setTimeout(() => this.#closeSession(error), ms);
  }

  /** Close the session when both sides have sent what they had, and this one wants to. */
  #settle(): void {
    if (this.#closing !== undefined && this.#flushed && this.#peerEnded) this.#closeSession();
  }

  #closeSession(error?: WireError): void {
    if (this.#end !== undefined) return;
    this.#finish(error);
    try {
      this.#session.close(this.#closing ?? { closeCode: error === undefined ? 1_000 : 0, reason: "" });
    } catch {
      // It is closed already.
    }
  }

  /** The stream broke. That comes with the end of the session, too, which knows better why. */
  readonly #laneLost = (cause: unknown): void => {
    if (this.#end !== undefined || this.#broken) return;
    this.#broken = true;
    this.#closeIn(REASON_GRACE_MS, lossError("stream lost", cause));
  };

  readonly #sessionClosed = ({ closeCode = 0, reason = "" }): void => {
    const orderly =
      closeCode === 1_000 || this.#closing !== undefined || (closeCode === 0 && this.#peerEnded);
    const text = `closed with code ${closeCode}${reason === "" ? "" : `, ${reason}`}`;
    this.#finish(orderly ? undefined : lossError(text, undefined));
  };

  #finish(error: WireError | undefined): void {
    if (this.#end !== undefined) return;
    this.#end = { error };
    clearTimeout(this.#timer);
    this.resume();
    this.#events?.closed(error);
  }
}

function lossError(why: string, cause: unknown): TransportError {
  const detail = cause instanceof Error && cause.message ? `, ${cause.message}` : "";
  return new TransportError(`Cannot continue on WebTransport: ${why}${detail}`, { cause });
}

/** The writer of datagrams, in the dialect of the engine; `undefined` where it has none. */
function datagramWriter({
  datagrams,
}: WebTransportSession): ReturnType<WebTransportWritable["getWriter"]> | undefined {
  return (datagrams.createWritable?.() ?? datagrams.writable)?.getWriter();
}
