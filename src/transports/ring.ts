import { isByteRing, LaneReader, LaneWriter, makeByteRing } from "../channels/lane.ts";
import type { Bytes } from "../core/bytes.ts";
import { closeCodeOf, ProtocolError, TransportError, WireError } from "../core/errors.ts";
import { type LaneId, MAIN_LANE } from "../core/lanes/lane.ts";
import { SYSTEM_CLOCK } from "./drive.ts";
import type { PortLike, PortSurroundings } from "./message-port.ts";
import { PeerWatch } from "./peer-watch.ts";
import {
  closeError,
  isClose,
  isLock,
  onFailedStart,
  type PortClose,
  type TransportEnd,
  tellEnd,
} from "./port-messages.ts";
import type { Transport, TransportCapabilities, TransportEvents } from "./transport.ts";

/** The shared memory of a ring transport: one ring each way. */
export interface RingPair {
  /** From the thread that made the pair to the other one. */
  readonly there: SharedArrayBuffer;
  readonly back: SharedArrayBuffer;
}

/** What a ring transport bounds. */
export interface RingOptions {
  /** Size of each ring, bytes, a power of two: what can be under way before `write` returns false. */
  readonly ringBytes?: number;
  /** See {@link MessagePortOptions.silenceMs}. */
  readonly silenceMs?: number;
}

/** The bounds of a ring transport that is made without options. */
export const DEFAULT_RING_OPTIONS: Required<RingOptions> = { ringBytes: 512 * 1024, silenceMs: 0 };

/** How long what was written before `close` may take to get into the ring, ms. */
const CLOSE_MS = 5_000;

const CAPABILITIES: TransportCapabilities = {
  lanes: 1,
  datagrams: false,
  messageBoundaries: false,
  transfer: false,
  inboundPause: true,
};

/**
 * Make the two rings of a transport between two threads.
 * @throws {RangeError} when the size is no power of two from 4 KiB to 256 MiB.
 */
export function makeRingPair({ ringBytes = DEFAULT_RING_OPTIONS.ringBytes }: RingOptions = {}): RingPair {
  if (!Number.isInteger(Math.log2(ringBytes)) || ringBytes < 4_096 || ringBytes > 0x1000_0000) {
    throw new RangeError(`Cannot make ring: ${ringBytes} bytes are no power of two from 4 KiB to 256 MiB`);
  }
  return { there: makeByteRing(ringBytes), back: makeByteRing(ringBytes) };
}

/** Whether memory holds a ring that a transport can use. */
export function isRing(buffer: unknown): buffer is SharedArrayBuffer {
  return buffer instanceof SharedArrayBuffer && isByteRing(buffer);
}

/**
 * Transport over two rings in shared memory, between a page and a Worker or threads of Node. What is free in a ring is
 * its backpressure. Each record is copied into the ring and out of it.
 *
 * A port beside the rings tells how it ends:
 *
 *     "ping", "pong"     asks for a sign of life, and gives it
 *     { lock }           first of all: name of the lock that the sender holds for as long as it lives, "" for none
 *     { close, reason }  the end; nothing is written to the ring after it
 *
 * The ring is not read before the first of them: what comes through it is faster than what tells of a thread's end.
 * Whatever else arrives ends the transport, and so does a control word that cannot be.
 */
export class RingTransport implements Transport {
  readonly name = "ring";
  readonly capabilities: TransportCapabilities = CAPABILITIES;
  readonly #port: PortLike;
  readonly #writer: LaneWriter;
  readonly #reader: LaneReader;
  readonly #watch: PeerWatch;
  #events: TransportEvents | undefined;
  #end: TransportEnd | undefined;
  /** What to post once all is in the ring. */
  #closing: PortClose | undefined;
  /** What the peer has said of the end; told once the ring is empty. */
  #peerEnd: TransportEnd | undefined;
  /** Ends the listening for errors of the other thread's start. */
  readonly #started: () => void;
  /** This side has told its lock, and the other one. */
  #isAnnounced = false;
  #isHeard = false;
  readonly #unhook: (() => void) | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * Adopt a pair of rings and a port on which nobody listens.
   * @param side - `maker` in the thread that made the pair, `taker` in the other one
   * @throws {ProtocolError} when the memory holds no rings.
   */
  constructor(
    { there, back }: RingPair,
    port: PortLike,
    side: "maker" | "taker",
    options: RingOptions = {},
    surroundings: PortSurroundings = {},
  ) {
    const isMaker = side === "maker";
    const failed = (error: unknown) => this.#refuse(error);
    this.#port = port;
    this.#writer = new LaneWriter(isMaker ? there : back, SYSTEM_CLOCK, () => this.#drained(), failed);
    this.#reader = new LaneReader(
      isMaker ? back : there,
      SYSTEM_CLOCK,
      (bytes) => {
        this.#watch.heard();
        this.#events?.data(MAIN_LANE, bytes);
      },
      failed,
    );
    this.#watch = new PeerWatch({
      locks: surroundings.locks,
      silenceMs: options.silenceMs ?? DEFAULT_RING_OPTIONS.silenceMs,
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
    port.addEventListener("messageerror", () =>
      this.#refuse(new ProtocolError("ERR_PROTOCOL", "Cannot read message")),
    );
    port.start();
    queueMicrotask(() => this.#finishWhenRead());
    this.#watch.announce((lock = "") => {
      if (this.#end !== undefined || this.#isAnnounced) return;
      this.#isAnnounced = true;
      port.postMessage({ lock }, []);
    });
  }

  write(_lane: LaneId, record: Bytes): boolean {
    return this.#end !== undefined || this.#closing !== undefined || this.#writer.write(record);
  }

  writeParts(_lane: LaneId, head: Bytes, tail: Bytes): boolean {
    return this.#end !== undefined || this.#closing !== undefined || this.#writer.write(head, tail);
  }

  bufferedBytes(_lane: LaneId): number {
    return this.#writer.bufferedBytes;
  }

  pause(): void {
    this.#reader.pause();
  }

  resume(): void {
    this.#reader.resume();
    this.#finishWhenRead();
  }

  close(code: number, reason: string): void {
    if (this.#end !== undefined || this.#closing !== undefined) return;
    this.#closing = { close: code, reason };
    if (this.#writer.isDrained) this.#postClose();
    else this.#timer = setTimeout(() => this.#postClose(), CLOSE_MS);
  }

  #drained(): void {
    if (this.#closing !== undefined) this.#postClose();
    else this.#events?.drain(MAIN_LANE);
  }

  #postClose(): void {
    if (this.#end !== undefined) return;
    this.#writer.finish();
    this.#port.postMessage(this.#closing, []);
    this.#finish(undefined);
  }

  #receive(data: unknown): void {
    if (this.#end !== undefined) return;
    this.#started();
    this.#watch.heard();
    if (data === "ping") this.#port.postMessage("pong", []);
    else if (isLock(data)) {
      void this.#watch.follow(data.lock);
      if (!this.#isHeard) this.#reader.start();
      this.#isHeard = true;
    } else if (isClose(data)) this.#endWith(closeError(data, "rings"));
    else if (data !== "pong") {
      this.#refuse(new ProtocolError("ERR_PROTOCOL", `Cannot accept a message of type ${typeof data}`));
    }
  }

  #lose(why: string): void {
    // The port of a peer that has closed in order may be gone before its last message is heard.
    const error = new TransportError(`Cannot continue on rings: ${why}`, { code: "ERR_PEER_GONE" });
    this.#endWith(this.#reader.isFinished ? undefined : error);
  }

  /** The peer writes no more: what it has written is read first. */
  #endWith(error: WireError | undefined): void {
    if (this.#end !== undefined) return;
    this.#peerEnd ??= { error };
    this.#finishWhenRead();
  }

  #finishWhenRead(): void {
    if (this.#peerEnd === undefined || this.#events === undefined) return;
    if (this.#reader.read()) this.#finish(this.#peerEnd.error);
  }

  /** The peer has written what it must not. */
  #refuse(cause: unknown): void {
    if (this.#end !== undefined) return;
    const error =
      cause instanceof WireError ? cause : new TransportError("Cannot continue on rings", { cause });
    this.#port.postMessage({ close: closeCodeOf(error.code), reason: error.message }, []);
    this.#finish(error);
  }

  #finish(error: WireError | undefined): void {
    if (this.#end !== undefined) return;
    this.#end = { error };
    this.#started();
    this.#unhook?.();
    clearTimeout(this.#timer);
    this.#reader.stop();
    this.#writer.stop();
    this.#watch.stop();
    this.#port.close();
    tellEnd(this.#events, this.#end);
  }
}
