import { type Bytes, concatBytes } from "../core/bytes.ts";
import type { Clock } from "../transports/drive.ts";
import { VirtualClock } from "./clock.ts";
import type { Random } from "./random.ts";

/** How one direction of a simulated link behaves. */
export interface PipeOptions {
  /** Time from the sender to the receiver, ms. */
  readonly latencyMs: number;
  /** Most that a piece takes longer than that, at random, ms. Nothing overtakes anything. */
  readonly jitterMs: number;
  /** Bandwidth; `Infinity` for none. */
  readonly bytesPerSecond: number;
  /** Bytes not yet on their way above which `write` returns false. `drain` comes at a quarter of it. */
  readonly bufferBytes: number;
  /** Whether one `write` arrives as one `data`. Otherwise bytes arrive in any pieces. */
  readonly messageBoundaries: boolean;
  /** Longest piece into which a record is cut at random, where boundaries are not kept; `Infinity` for uncut. */
  readonly maxPieceBytes: number;
  /** Chance that a piece arrives joined with the one before, where boundaries are not kept and both are here. */
  readonly joinChance: number;
}

/** What a pipe tells: its `deliver`, `drain` and `ended` are never called inside a call of the pipe. */
export interface PipeEvents {
  deliver(bytes: Bytes): void;
  drain(): void;
  /** Everything that was written before `end` has arrived. */
  ended(): void;
  /** The byte named by `cutAfter` has been reached. */
  cut(): void;
}

/** Times in a pipe are multiples of it. */
const QUANTUM_MS = 1 / 1_024;

/** What happened in a pipe. */
export interface PipeCounters {
  records: number;
  bytes: number;
  delivered: number;
  /** Records that were cut into pieces. */
  splits: number;
  /** Pieces that arrived joined with the one before. */
  joins: number;
  /** Pieces that took longer than the latency. */
  delays: number;
  /** Writes that were answered with false. */
  refusals: number;
}

/** The bytes of `record` from `start` to `end`. They arrive as a view, which costs less than an array of its own. */
interface Piece {
  readonly record: Bytes;
  readonly start: number;
  readonly end: number;
  departAt: number;
  arriveAt: number;
}

/**
 * One direction of a simulated link: what is written leaves at the bandwidth, travels for the latency and arrives in
 * order. While it is frozen nothing leaves and nothing arrives, so that the buffer fills.
 *
 * On a {@link VirtualClock} bytes leave without a call of the clock of their own, unless the sender waits for that:
 * they are counted when someone asks. What leaves at a time counts as buffered until that time is over.
 */
export class Pipe {
  options: PipeOptions;
  readonly counters: PipeCounters = {
    records: 0,
    bytes: 0,
    delivered: 0,
    splits: 0,
    joins: 0,
    delays: 0,
    refusals: 0,
  };
  /** Replaces one record by others, to plant a fault that no network has; `undefined` for none. */
  tamper: ((record: Bytes, index: number) => readonly Bytes[]) | undefined;
  readonly #clock: Clock;
  /** Whether no time passes inside a call of the clock: only then does the time tell what a sender has seen leave. */
  readonly #timeStandsStill: boolean;
  readonly #random: Random;
  readonly #to: PipeEvents;
  /** Pieces from `#arrived` to `#departed` are on their way, the later ones wait. */
  #queue: Piece[] = [];
  #arrived = 0;
  #departed = 0;
  #bufferedBytes = 0;
  #busyUntil = 0;
  #lastArriveAt = 0;
  #senderWaits = false;
  #frozen = 0;
  #frozenAt = 0;
  #ending = false;
  #over = false;
  #cutAfter = Number.POSITIVE_INFINITY;
  #timer: unknown;
  #timerAt = Number.POSITIVE_INFINITY;
  /** Whether the last byte that arrived ended a record. */
  atBoundary = true;

  constructor(clock: Clock, random: Random, options: PipeOptions, to: PipeEvents) {
    this.options = options;
    this.#clock = clock;
    this.#timeStandsStill = clock instanceof VirtualClock;
    this.#random = random;
    this.#to = to;
  }

  /** Bytes that wait to leave. */
  get bufferedBytes(): number {
    this.#leaveBefore(this.#clock.now());
    return this.#bufferedBytes;
  }

  /** Whether something was written that has not arrived. */
  get loaded(): boolean {
    return this.#arrived < this.#queue.length;
  }

  /** Take a record; the pipe keeps a copy. @returns false when the buffer is over its mark. */
  write(record: Bytes): boolean {
    if (this.#over || this.#ending) return true;
    const { counters, tamper } = this;
    const index = counters.records++;
    counters.bytes += record.length;
    if (tamper === undefined) this.#cutUp(record);
    else for (const other of tamper(record.slice(), index)) this.#cutUp(other);
    const full = this.bufferedBytes > this.options.bufferBytes;
    if (full) {
      this.#senderWaits = true;
      counters.refusals++;
    }
    this.#arm();
    return !full;
  }

  #cutUp(original: Bytes): void {
    const { maxPieceBytes, messageBoundaries } = this.options;
    const record = original.slice();
    if (messageBoundaries || record.length <= 1 || maxPieceBytes === Number.POSITIVE_INFINITY) {
      this.#send(record, 0, record.length);
      return;
    }
    let at = 0;
    while (at < record.length) {
      const end = Math.min(record.length, at + this.#random.int(1, maxPieceBytes));
      this.#send(record, at, end);
      if (end < record.length && at === 0) this.counters.splits++;
      at = end;
    }
  }

  #send(record: Bytes, start: number, end: number): void {
    const { bytesPerSecond, jitterMs, latencyMs } = this.options;
    const startAt = Math.max(this.#clock.now(), this.#busyUntil);
    const departAt = quantized(startAt + ((end - start) * 1_000) / bytesPerSecond);
    const delay = jitterMs > 0 ? this.#random.float() * jitterMs : 0;
    if (delay > 0) this.counters.delays++;
    const arriveAt = Math.max(this.#lastArriveAt, quantized(departAt + latencyMs + delay));
    this.#busyUntil = departAt;
    this.#lastArriveAt = arriveAt;
    this.#bufferedBytes += end - start;
    this.#queue.push({ record, start, end, departAt, arriveAt });
  }

  /** Nothing follows: `ended` comes when all has arrived. */
  end(): void {
    this.#ending = true;
    this.#arm();
  }

  /** Forget what is on its way, and be silent from now on. */
  drop(): void {
    this.#over = true;
    this.#queue = [];
    this.#arrived = this.#departed = this.#bufferedBytes = 0;
    this.#disarm();
  }

  /** Stop until as many calls of {@link thaw} have come. */
  freeze(): void {
    const now = this.#clock.now();
    this.#leaveBefore(now);
    if (this.#frozen++ === 0) this.#frozenAt = now;
    this.#disarm();
  }

  /** Undo one {@link freeze}. */
  thaw(): void {
    if (this.#frozen === 0 || --this.#frozen > 0 || this.#over) return;
    const lost = this.#clock.now() - this.#frozenAt;
    for (let i = this.#departed; i < this.#queue.length; i++) {
      const piece = this.#queue[i] as Piece;
      piece.departAt += lost;
      piece.arriveAt += lost;
    }
    this.#busyUntil += lost;
    this.#lastArriveAt += lost;
    this.#arm();
  }

  /** Whether nothing moves now. */
  get frozen(): boolean {
    return this.#frozen > 0;
  }

  /** Call `cut` when `bytes` bytes have arrived and one more would. */
  cutAfter(bytes: number): void {
    this.#cutAfter = bytes;
  }

  #arm(): void {
    if (this.#frozen > 0 || this.#over) return;
    const first = this.#queue[this.#arrived];
    if (first === undefined && !this.#ending) return;
    const waiting = this.#senderWaits || !this.#timeStandsStill ? this.#queue[this.#departed] : undefined;
    const arriveAt = first?.arriveAt ?? this.#clock.now();
    const at = waiting === undefined ? arriveAt : Math.min(waiting.departAt, arriveAt);
    if (at >= this.#timerAt) return;
    this.#disarm();
    this.#timerAt = at;
    this.#timer = this.#clock.schedule(this.#pump, at - this.#clock.now());
  }

  #disarm(): void {
    if (this.#timer !== undefined) this.#clock.cancel(this.#timer);
    this.#timer = undefined;
    this.#timerAt = Number.POSITIVE_INFINITY;
  }

  readonly #pump = (): void => {
    this.#timer = undefined;
    this.#timerAt = Number.POSITIVE_INFINITY;
    const now = this.#clock.now();
    this.#depart(now);
    while (this.#frozen === 0 && !this.#over) {
      const piece = this.#queue[this.#arrived];
      if (piece === undefined || piece.arriveAt > now || this.#arrived >= this.#departed) break;
      this.#deliver(piece, now);
    }
    if (this.#ending && !this.#over && this.#frozen === 0 && this.#arrived === this.#queue.length) {
      this.#over = true;
      this.#to.ended();
      return;
    }
    this.#arm();
  };

  #leaveBefore(now: number): void {
    if (this.#timeStandsStill && this.#frozen === 0) this.#leave(now - QUANTUM_MS);
  }

  /** Count what has left up to the time `untilMs` as on its way. */
  #leave(untilMs: number): void {
    for (let piece = this.#queue[this.#departed]; piece !== undefined; piece = this.#queue[this.#departed]) {
      if (piece.departAt > untilMs) break;
      this.#bufferedBytes -= piece.end - piece.start;
      this.#departed++;
    }
  }

  #depart(now: number): void {
    this.#leave(now);
    if (!this.#senderWaits || this.#bufferedBytes > this.options.bufferBytes / 4) return;
    this.#senderWaits = false;
    if (!this.#ending) this.#to.drain();
  }

  #deliver(first: Piece, now: number): void {
    let last = first;
    let earlier: Bytes | undefined;
    let start = first.start;
    this.#take();
    for (let next = this.#joinable(now); next !== undefined; next = this.#joinable(now)) {
      this.counters.joins++;
      if (next.record !== last.record) {
        earlier = joined(earlier, view(last.record, start, last.end));
        start = 0;
      }
      last = next;
      this.#take();
    }
    const bytes = joined(earlier, view(last.record, start, last.end));
    const left = this.#cutAfter - this.counters.delivered;
    if (bytes.length > left) {
      this.#deliverCut(bytes, left);
      return;
    }
    this.counters.delivered += bytes.length;
    this.atBoundary = last.end === last.record.length;
    this.#to.deliver(bytes);
  }

  #deliverCut(bytes: Bytes, left: number): void {
    this.counters.delivered += left;
    if (left > 0 && !this.options.messageBoundaries) {
      this.atBoundary = false;
      this.#to.deliver(bytes.slice(0, left));
    }
    if (!this.#over) this.#to.cut();
  }

  #joinable(now: number): Piece | undefined {
    const { joinChance, messageBoundaries } = this.options;
    const next = this.#queue[this.#arrived];
    if (messageBoundaries || joinChance === 0 || next === undefined || next.arriveAt > now) return undefined;
    return this.#random.chance(joinChance) ? next : undefined;
  }

  #take(): void {
    this.#arrived++;
    if (this.#arrived < 256 || this.#arrived * 2 < this.#queue.length) return;
    this.#queue.splice(0, this.#arrived);
    this.#departed -= this.#arrived;
    this.#arrived = 0;
  }
}

function view(record: Bytes, start: number, end: number): Bytes {
  return end - start === record.length ? record : record.subarray(start, end);
}

function joined(earlier: Bytes | undefined, bytes: Bytes): Bytes {
  return earlier === undefined ? bytes : concatBytes([earlier, bytes], earlier.length + bytes.length);
}

/** A time that sums of times keep exact: a multiple of {@link QUANTUM_MS}. */
function quantized(ms: number): number {
  return Math.ceil(ms * 1_024) * QUANTUM_MS;
}
