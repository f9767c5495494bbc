import { type Bytes, concatBytes } from "../core/bytes.ts";
import type { Clock } from "../transports/drive.ts";
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

interface Piece {
  readonly bytes: Bytes;
  departAt: number;
  arriveAt: number;
  /** Whether a record ends with it. */
  readonly last: boolean;
}

/**
 * One direction of a simulated link: what is written leaves at the bandwidth, travels for the latency and arrives in
 * order. While it is frozen nothing leaves and nothing arrives, so that the buffer fills.
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
    this.#random = random;
    this.#to = to;
  }

  /** Bytes that wait to leave. */
  get bufferedBytes(): number {
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
    this.#arm();
    if (this.#bufferedBytes <= this.options.bufferBytes) return true;
    this.#senderWaits = true;
    counters.refusals++;
    return false;
  }

  #cutUp(record: Bytes): void {
    const { maxPieceBytes, messageBoundaries } = this.options;
    if (messageBoundaries || record.length <= 1 || maxPieceBytes === Number.POSITIVE_INFINITY) {
      this.#send(record.slice(), true);
      return;
    }
    let at = 0;
    while (at < record.length) {
      const end = Math.min(record.length, at + this.#random.int(1, maxPieceBytes));
      this.#send(record.slice(at, end), end === record.length);
      if (end < record.length && at === 0) this.counters.splits++;
      at = end;
    }
  }

  #send(bytes: Bytes, last: boolean): void {
    const { bytesPerSecond, jitterMs, latencyMs } = this.options;
    const start = Math.max(this.#clock.now(), this.#busyUntil);
    const departAt = quantized(start + (bytes.length * 1_000) / bytesPerSecond);
    const delay = jitterMs > 0 ? this.#random.float() * jitterMs : 0;
    if (delay > 0) this.counters.delays++;
    const arriveAt = Math.max(this.#lastArriveAt, quantized(departAt + latencyMs + delay));
    this.#busyUntil = departAt;
    this.#lastArriveAt = arriveAt;
    this.#bufferedBytes += bytes.length;
    this.#queue.push({ bytes, departAt, arriveAt, last });
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
    if (this.#frozen++ === 0) this.#frozenAt = this.#clock.now();
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
    const waiting = this.#queue[this.#departed];
    const moving = this.#queue[this.#arrived];
    const ended = this.#ending && moving === undefined ? this.#clock.now() : Number.POSITIVE_INFINITY;
    const at = Math.min(waiting?.departAt ?? ended, moving?.arriveAt ?? ended);
    if (at >= this.#timerAt || at === Number.POSITIVE_INFINITY) return;
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
      if (piece === undefined || piece.arriveAt > now) break;
      this.#deliver(piece, now);
    }
    if (this.#ending && !this.#over && this.#frozen === 0 && this.#arrived === this.#queue.length) {
      this.#over = true;
      this.#to.ended();
      return;
    }
    this.#arm();
  };

  #depart(now: number): void {
    for (let piece = this.#queue[this.#departed]; piece !== undefined; piece = this.#queue[this.#departed]) {
      if (piece.departAt > now) break;
      this.#bufferedBytes -= piece.bytes.length;
      this.#departed++;
    }
    if (!this.#senderWaits || this.#bufferedBytes > this.options.bufferBytes / 4) return;
    this.#senderWaits = false;
    if (!this.#ending) this.#to.drain();
  }

  #deliver(first: Piece, now: number): void {
    const parts = [first.bytes];
    let length = first.bytes.length;
    let last = first.last;
    this.#take();
    for (let next = this.#joinable(now); next !== undefined; next = this.#joinable(now)) {
      this.counters.joins++;
      parts.push(next.bytes);
      length += next.bytes.length;
      last = next.last;
      this.#take();
    }
    const bytes = parts.length === 1 ? first.bytes : concatBytes(parts, length);
    const left = this.#cutAfter - this.counters.delivered;
    if (length > left) {
      this.#deliverCut(bytes, left);
      return;
    }
    this.counters.delivered += length;
    this.atBoundary = last;
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

/** A time that sums of times keep exact: a multiple of 1/1024 ms. */
function quantized(ms: number): number {
  return Math.ceil(ms * 1_024) / 1_024;
}
