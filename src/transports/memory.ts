import { type Bytes, concatBytes } from "../core/bytes.ts";
import { TransportError, type WireError } from "../core/errors.ts";
import { type LaneId, MAIN_LANE } from "../core/lanes/lane.ts";
import { LEAST_OWN_BYTES } from "../core/parts.ts";
import { Queue } from "../core/queue.ts";
import { BufferPool, RecordRoom } from "../core/wire/buffer-pool.ts";
import {
  DATAGRAM_LANE,
  type Transport,
  type TransportCapabilities,
  type TransportEvents,
} from "./transport.ts";

/** What a memory pair bounds. */
export interface MemoryPairOptions {
  /** Bytes on their way in one direction above which `write` returns false. `drain` comes at a quarter of it. */
  readonly highWaterBytes?: number;
  /**
   * Most lanes of each side, the main one included. Lanes that were opened later overtake: each burst brings their
   * records before those of the earlier ones, and the main lane's last.
   */
  readonly lanes?: number;
}

/** The bounds of a memory pair that is made without options. */
export const DEFAULT_MEMORY_OPTIONS: Required<MemoryPairOptions> = {
  highWaterBytes: 256 * 1024,
  lanes: 1,
};

/** Two transports of which each is the other's peer. */
export interface MemoryPair {
  readonly a: MemoryTransport;
  readonly b: MemoryTransport;
  /** Cut the pair as a broken network does: what is on its way is dropped, both ends hear `closed(error)`. */
  lose(error?: WireError): void;
}

/**
 * Two connected transports in one thread. Delivery is asynchronous: one microtask takes all that was written
 * before it, and never runs inside `write`.
 */
export function memoryPair(options: MemoryPairOptions = {}): MemoryPair {
  const a = new MemoryTransport(options);
  const lose = (error: WireError = new TransportError("Cannot continue in memory: the pair was cut")) =>
    a.lose(error);
  return { a, b: a.peer, lose };
}

/** Where all connections in memory of this thread make their records, which are copied at once. */
const ROOM: RecordRoom = new RecordRoom();

/** Room of this thread for records on their way. */
const copies: BufferPool = new BufferPool();

/** Records that were read, and of which nothing is held: they are written into again. */
const spares: Bytes[] = [];

/** As many of the longest as are under way in one direction. */
const MOST_SPARES = 4;

const SOON: Promise<void> = Promise.resolve();

const CAPABILITIES: Omit<TransportCapabilities, "lanes"> = {
  datagrams: false,
  messageBoundaries: true,
  transfer: false,
  inboundPause: true,
};

/** A record, and the lane of its writer. */
interface Written {
  readonly lane: LaneId;
  readonly record: Bytes;
}

/** One end of a pair made by {@link memoryPair}. Its queue holds what the peer wrote and it has not heard yet. */
export class MemoryTransport implements Transport {
  readonly name = "memory";
  readonly capabilities: TransportCapabilities;
  readonly room: RecordRoom = ROOM;
  /** The other end. */
  readonly peer: MemoryTransport;
  readonly #highWaterBytes: number;
  #events: TransportEvents | undefined;
  #state: "open" | "closing" | "closed" = "open";
  #error: WireError | undefined;
  #paused = false;
  #scheduled = false;
  /** Written by the peer. */
  readonly #arrived: Queue<Written> = new Queue();
  /** So many of the oldest of them are being delivered. */
  #burst = 0;
  /** Bytes of them on the main lane, and on the others by lane. */
  #mainBytes = 0;
  #laneBytes: number[] | undefined;
  /** The lanes whose writer was told to wait for `drain`. */
  #peerWaits: Set<LaneId> | undefined;

  /** Without `peer`, the peer is made too. */
  constructor(options: MemoryPairOptions, peer?: MemoryTransport) {
    const { lanes = DEFAULT_MEMORY_OPTIONS.lanes } = options;
    this.capabilities = { ...CAPABILITIES, lanes };
    this.#highWaterBytes = options.highWaterBytes ?? DEFAULT_MEMORY_OPTIONS.highWaterBytes;
    this.peer = peer ?? new MemoryTransport(options, this);
  }

  start(events: TransportEvents): void {
    this.#events = events;
    this.#schedule();
  }

  openLane(): LaneId {
    const { peer } = this;
    peer.#laneBytes ??= [0];
    return (peer.#laneBytes.push(0) - 1) as LaneId;
  }

  write(lane: LaneId, record: Bytes): boolean {
    if (this.#state !== "open") return true;
    // A copy: both sides own their bytes.
    const { length } = record;
    copies.reserve(length);
    const { at } = copies;
    copies.slab.set(record, at);
    return this.#send(lane, copies.commit(at, at + length));
  }

  writeParts(lane: LaneId, head: Bytes, tail: Bytes): boolean {
    if (this.#state !== "open") return true;
    const length = head.length + tail.length;
    const spare = spares.pop();
    if (spare?.length !== length) return this.#send(lane, concatBytes([head, tail], length));
    spare.set(head);
    spare.set(tail, head.length);
    return this.#send(lane, spare);
  }

  #send(lane: LaneId, record: Bytes): boolean {
    const peer = this.peer;
    peer.#arrived.push({ lane, record });
    peer.#count(lane, record.length);
    peer.#schedule();
    if (this.bufferedBytes(lane) <= this.#highWaterBytes) return true;
    peer.#peerWaits ??= new Set();
    peer.#peerWaits.add(lane);
    return false;
  }

  bufferedBytes(lane: LaneId): number {
    return this.peer.#bytesOf(lane);
  }

  #bytesOf(lane: LaneId): number {
    return lane === MAIN_LANE ? this.#mainBytes : (this.#laneBytes?.[lane] ?? 0);
  }

  #count(lane: LaneId, bytes: number): void {
    if (lane === MAIN_LANE) this.#mainBytes += bytes;
    else if (this.#laneBytes !== undefined) this.#laneBytes[lane] = this.#bytesOf(lane) + bytes;
  }

  /** Close both ends once each has heard what is on its way to it. `code` and `reason` do not travel. */
  close(_code: number, _reason: string): void {
    if (this.#state !== "open") return;
    this.#paused = false;
    this.#shut();
    this.peer.#shut();
  }

  /** Hold what arrives until {@link resume}; the peer's `write` then returns false in time. */
  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#schedule();
  }

  /** Cut both ends at once, whether paused or not. */
  lose(error: WireError): void {
    for (const end of [this, this.peer]) {
      end.#arrived.clear();
      end.#burst = end.#mainBytes = 0;
      end.#laneBytes?.fill(0);
      end.#paused = false;
      end.#error = error;
      end.#shut();
    }
  }

  #shut(): void {
    if (this.#state === "open") this.#state = "closing";
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled || this.#paused) return;
    this.#scheduled = true;
    SOON.then(this.#deliver);
  }

  readonly #deliver = (): void => {
    this.#scheduled = false;
    const events = this.#events;
    if (events === undefined || this.#state === "closed") return;

    if (this.#burst === 0) this.#beginBurst();
    while (!this.#paused && this.#burst > 0) {
      const { lane, record } = this.#arrived.shift() as Written;
      this.#burst--;
      this.#count(lane, -record.length);
      const isHeld = events.data(ofPeer(lane), record) !== false;
      if (!isHeld && record.length >= LEAST_OWN_BYTES && spares.length < MOST_SPARES) spares.push(record);
    }
    this.#drainPeer();

    if (this.#arrived.length > 0) {
      this.#schedule();
    } else if (this.#state === "closing" && !this.#paused) {
      this.#state = "closed";
      events.closed(this.#error);
    }
  };

  /** All that is here goes out; where there are several lanes, the later ones first. */
  #beginBurst(): void {
    const arrived = this.#arrived;
    this.#burst = arrived.length;
    if (this.#laneBytes === undefined || this.#burst < 2) return;
    const records: Written[] = [];
    while (arrived.length > 0) records.push(arrived.shift() as Written);
    for (const written of records.sort((a, b) => b.lane - a.lane)) arrived.push(written);
  }

  #drainPeer(): void {
    if (this.#peerWaits === undefined) return;
    for (const lane of this.#peerWaits) {
      if (this.#bytesOf(lane) > this.#highWaterBytes / 4) continue;
      this.#peerWaits.delete(lane);
      if (this.peer.#state === "open") this.peer.#events?.drain(lane);
    }
  }
}

/** What a lane is for the side that has not opened it. */
function ofPeer(lane: LaneId): LaneId {
  return (lane === MAIN_LANE ? MAIN_LANE : DATAGRAM_LANE - lane) as LaneId;
}
