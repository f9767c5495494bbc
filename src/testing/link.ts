import type { Bytes } from "../core/bytes.ts";
import { TransportError, type WireError } from "../core/errors.ts";
import { type LaneId, MAIN_LANE } from "../core/lanes/lane.ts";
import { type Clock, SYSTEM_CLOCK } from "../transports/drive.ts";
import type { Transport, TransportCapabilities, TransportEvents } from "../transports/transport.ts";
import { Pipe, type PipeOptions } from "./pipe.ts";
import { Random } from "./random.ts";

/** How a simulated link behaves; both directions alike. */
export interface LinkOptions extends PipeOptions {
  /** Most lanes of each end, the main one included. Lanes know nothing of each other: any may overtake any other. */
  readonly lanes: number;
}

/** A link that a good network could be. */
export const DEFAULT_LINK_OPTIONS: LinkOptions = {
  latencyMs: 10,
  jitterMs: 0,
  bytesPerSecond: Number.POSITIVE_INFINITY,
  bufferBytes: 262_144,
  messageBoundaries: true,
  maxPieceBytes: Number.POSITIVE_INFINITY,
  joinChance: 0,
  lanes: 1,
};

/** One way through a link. */
export type Direction = "aToB" | "bToA";

/** How both ends hear of a cut. */
export interface CutOptions {
  /** What the ends are told. */
  readonly error?: WireError;
  /** How much later than `a` the end `b` hears of it, ms; earlier when negative. */
  readonly skewMs?: number;
}

/**
 * Two transports with a network between them that can be made as bad as a test needs: slow, frozen, half-open or cut
 * after any byte. What happens when follows from the clock and the random numbers alone.
 */
export class SimulatedLink {
  readonly a: SimulatedTransport;
  readonly b: SimulatedTransport;
  readonly aToB: Pipe;
  readonly bToA: Pipe;
  /** Called when the link is cut, before what is on its way is lost. */
  onCut: () => void = () => {};
  /** Whether it was cut, or closed by an end and all that was written before has arrived. */
  over = false;
  readonly #clock: Clock;
  readonly #random: Random;
  /** The lanes beside the main one, by direction, and how often each direction is frozen. */
  readonly #others: Readonly<Record<Direction, Pipe[]>> = { aToB: [], bToA: [] };
  readonly #frozen: Record<Direction, number> = { aToB: 0, bToA: 0 };

  constructor(clock: Clock, random: Random, options: Partial<LinkOptions> = {}) {
    const resolved: LinkOptions = { ...DEFAULT_LINK_OPTIONS, ...options };
    this.#clock = clock;
    this.#random = random;
    this.a = new SimulatedTransport(this, clock, "aToB", resolved);
    this.b = new SimulatedTransport(this, clock, "bToA", resolved);
    this.aToB = new Pipe(clock, random.fork(1), resolved, this.#eventsOf(this.a, this.b));
    this.bToA = new Pipe(clock, random.fork(2), resolved, this.#eventsOf(this.b, this.a));
  }

  #eventsOf(from: SimulatedTransport, to: SimulatedTransport) {
    return {
      deliver: (bytes: Bytes) => to.deliver(MAIN_LANE, bytes),
      drain: () => from.drain(MAIN_LANE),
      ended: () => this.#end(undefined, 0),
      cut: () => this.cut(),
    };
  }

  /** For its ends: one more lane. @returns its number, 1 for the first one */
  openLane(direction: Direction): LaneId {
    const others = this.#others[direction];
    const lane = (others.length + 1) as LaneId;
    const [from, to] = direction === "aToB" ? [this.a, this.b] : [this.b, this.a];
    const random = this.#random.fork(direction === "aToB" ? 10 + 2 * lane : 11 + 2 * lane);
    const pipe = new Pipe(this.#clock, random, this[direction].options, {
      deliver: (bytes) => to.deliver((-1 - lane) as LaneId, bytes),
      drain: () => from.drain(lane),
      ended: () => {},
      cut: () => {},
    });
    for (let count = this.#frozen[direction]; count > 0; count--) pipe.freeze();
    others.push(pipe);
    return lane;
  }

  /** For its ends: the pipe of a lane. */
  pipe(direction: Direction, lane: LaneId): Pipe {
    return lane === MAIN_LANE ? this[direction] : (this.#others[direction][lane - 1] as Pipe);
  }

  /** Change how the link behaves from now on, for what is written after it. */
  change(options: Partial<Omit<LinkOptions, "messageBoundaries" | "lanes">>): void {
    for (const pipe of this.#pipes(undefined)) pipe.options = { ...pipe.options, ...options };
  }

  /** For its ends: stop one way until as many calls of {@link thaw} have come. */
  freeze(direction: Direction): void {
    this.#frozen[direction]++;
    for (const pipe of this.#pipes(direction)) pipe.freeze();
  }

  thaw(direction: Direction): void {
    this.#frozen[direction] = Math.max(0, this.#frozen[direction] - 1);
    for (const pipe of this.#pipes(direction)) pipe.thaw();
  }

  /** Let nothing through for `ms`, one way or both. */
  stall(ms: number, direction?: Direction): void {
    for (const way of waysOf(direction)) {
      this.freeze(way);
      this.#clock.schedule(() => this.thaw(way), ms);
    }
  }

  /** Let nothing through any more, one way or both, without telling anyone. */
  vanish(direction?: Direction): void {
    for (const way of waysOf(direction)) this.freeze(way);
  }

  /** Break the link when `bytes` bytes have arrived one way. A record that is longer than that does not arrive. */
  cutAfter(bytes: number, direction: Direction): void {
    this[direction].cutAfter(bytes);
  }

  /** Break the link now: what is on its way is lost, both ends hear `closed(error)`. */
  cut({
    error = new TransportError("Connection was lost: the link was cut"),
    skewMs = 0,
  }: CutOptions = {}): void {
    this.onCut();
    this.#end(error, skewMs);
  }

  #end(error: WireError | undefined, skewMs: number): void {
    this.over = true;
    for (const pipe of this.#pipes(undefined)) pipe.drop();
    this.a.endSoon(error, Math.max(0, -skewMs));
    this.b.endSoon(error, Math.max(0, skewMs));
  }

  #pipes(direction: Direction | undefined): readonly Pipe[] {
    return waysOf(direction).flatMap((way) => [this[way], ...this.#others[way]]);
  }
}

function waysOf(direction: Direction | undefined): readonly Direction[] {
  return direction === undefined ? ["aToB", "bToA"] : [direction];
}

/** One end of a {@link SimulatedLink}. */
export class SimulatedTransport implements Transport {
  readonly name = "memory";
  readonly capabilities: TransportCapabilities;
  readonly #link: SimulatedLink;
  readonly #clock: Clock;
  readonly #out: Direction;
  #events: TransportEvents | undefined;
  #state: "open" | "closing" | "closed" = "open";
  #paused = false;
  /** What arrived before {@link start}. */
  #early: (readonly [LaneId, Bytes])[] = [];
  #ending: { readonly error: WireError | undefined } | undefined;
  #drained = false;

  constructor(link: SimulatedLink, clock: Clock, out: Direction, options: LinkOptions) {
    const { lanes, messageBoundaries } = options;
    this.#link = link;
    this.#clock = clock;
    this.#out = out;
    this.capabilities = {
      lanes,
      datagrams: false,
      messageBoundaries,
      transfer: false,
      inboundPause: true,
    };
  }

  start(events: TransportEvents): void {
    if (this.#early.length === 0 && this.#ending === undefined && !this.#drained) {
      this.#events = events;
      return;
    }
    this.#clock.schedule(() => this.#startLate(events), 0);
  }

  #startLate(events: TransportEvents): void {
    this.#events = events;
    const early = this.#early;
    this.#early = [];
    for (const [lane, bytes] of early) if (this.#state !== "closed") events.data(lane, bytes);
    if (this.#drained && this.#state === "open" && this.#ending === undefined) events.drain(MAIN_LANE);
    if (this.#ending !== undefined) this.endSoon(this.#ending.error, 0);
  }

  openLane(): LaneId {
    return this.#link.openLane(this.#out);
  }

  write(lane: LaneId, record: Bytes): boolean {
    return this.#state !== "open" || this.#link.pipe(this.#out, lane).write(record);
  }

  bufferedBytes(lane: LaneId): number {
    return this.#link.pipe(this.#out, lane).bufferedBytes;
  }

  /** Close both ends once what was written has arrived. `code` and `reason` do not travel. */
  close(_code: number, _reason: string): void {
    if (this.#state !== "open") return;
    this.resume();
    this.#state = "closing";
    this.#link[this.#out].end();
  }

  /** Hold what arrives until {@link resume}; the peer's `write` then returns false in time. */
  pause(): void {
    if (this.#paused || this.#state !== "open") return;
    this.#paused = true;
    this.#link.freeze(this.#in);
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#link.thaw(this.#in);
  }

  get #in(): Direction {
    return this.#out === "aToB" ? "bToA" : "aToB";
  }

  /** For the link: bytes have arrived. */
  deliver(lane: LaneId, bytes: Bytes): void {
    if (this.#state === "closed") return;
    if (this.#events === undefined) this.#early.push([lane, bytes]);
    else this.#events.data(lane, bytes);
  }

  /** For the link: there is room again. */
  drain(lane: LaneId): void {
    if (this.#state !== "open") return;
    if (this.#events === undefined) this.#drained = true;
    else this.#events.drain(lane);
  }

  /** For the link: it is gone, and this end hears of it `ms` from now. */
  endSoon(error: WireError | undefined, ms: number): void {
    this.#ending = { error };
    if (this.#state === "open") this.#state = "closing";
    this.#clock.schedule(() => {
      if (this.#state === "closed" || this.#events === undefined) return;
      this.#state = "closed";
      this.#events.closed(error);
    }, ms);
  }
}

/** What {@link simulatedPair} makes a pair from. */
export interface SimulatedPairOptions extends Partial<LinkOptions> {
  /** What repeats the run. */
  readonly seed?: number;
  /** Whose time it runs on: a `VirtualClock`, or the clock of the runtime, which is the default. */
  readonly clock?: Clock;
}

/**
 * Two connected transports over a simulated network, for tests of whole applications.
 *
 * @returns the link: `a` and `b` are the transports, the methods make the network worse.
 */
export function simulatedPair({
  seed = 1,
  clock = SYSTEM_CLOCK,
  ...options
}: SimulatedPairOptions = {}): SimulatedLink {
  return new SimulatedLink(clock, new Random(seed), options);
}
