import type { Bytes } from "../core/bytes.ts";
import { TransportError, type WireError } from "../core/errors.ts";
import { type LaneId, MAIN_LANE } from "../core/lane.ts";
import { type Clock, SYSTEM_CLOCK } from "../transports/drive.ts";
import type { Transport, TransportCapabilities, TransportEvents } from "../transports/transport.ts";
import { Pipe, type PipeOptions } from "./pipe.ts";
import { Random } from "./random.ts";

/** How a simulated link behaves; both directions alike. */
export type LinkOptions = PipeOptions;

/** A link that a good network could be. */
export const DEFAULT_LINK_OPTIONS: LinkOptions = {
  latencyMs: 10,
  jitterMs: 0,
  bytesPerSecond: Number.POSITIVE_INFINITY,
  bufferBytes: 262_144,
  messageBoundaries: true,
  maxPieceBytes: Number.POSITIVE_INFINITY,
  joinChance: 0,
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

  constructor(clock: Clock, random: Random, options: Partial<LinkOptions> = {}) {
    const resolved: LinkOptions = { ...DEFAULT_LINK_OPTIONS, ...options };
    this.#clock = clock;
    this.a = new SimulatedTransport(this, clock, "aToB", resolved.messageBoundaries);
    this.b = new SimulatedTransport(this, clock, "bToA", resolved.messageBoundaries);
    this.aToB = new Pipe(clock, random.fork(1), resolved, this.#eventsOf(this.a, this.b));
    this.bToA = new Pipe(clock, random.fork(2), resolved, this.#eventsOf(this.b, this.a));
  }

  #eventsOf(from: SimulatedTransport, to: SimulatedTransport) {
    return {
      deliver: (bytes: Bytes) => to.deliver(bytes),
      drain: () => from.drain(),
      ended: () => this.#end(undefined, 0),
      cut: () => this.cut(),
    };
  }

  /** Change how the link behaves from now on, for what is written after it. */
  change(options: Partial<Omit<LinkOptions, "messageBoundaries">>): void {
    this.aToB.options = { ...this.aToB.options, ...options };
    this.bToA.options = { ...this.bToA.options, ...options };
  }

  /** Let nothing through for `ms`, one way or both. */
  stall(ms: number, direction?: Direction): void {
    for (const pipe of this.#pipes(direction)) {
      pipe.freeze();
      this.#clock.schedule(() => pipe.thaw(), ms);
    }
  }

  /** Let nothing through any more, one way or both, without telling anyone. */
  vanish(direction?: Direction): void {
    for (const pipe of this.#pipes(direction)) pipe.freeze();
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
    this.aToB.drop();
    this.bToA.drop();
    this.a.endSoon(error, Math.max(0, -skewMs));
    this.b.endSoon(error, Math.max(0, skewMs));
  }

  #pipes(direction: Direction | undefined): readonly Pipe[] {
    return direction === undefined ? [this.aToB, this.bToA] : [this[direction]];
  }
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
  #early: Bytes[] = [];
  #ending: { readonly error: WireError | undefined } | undefined;
  #drained = false;

  constructor(link: SimulatedLink, clock: Clock, out: Direction, messageBoundaries: boolean) {
    this.#link = link;
    this.#clock = clock;
    this.#out = out;
    this.capabilities = {
      lanes: 1,
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
    for (const bytes of early) if (this.#state !== "closed") events.data(MAIN_LANE, bytes);
    if (this.#drained && this.#state === "open" && this.#ending === undefined) events.drain(MAIN_LANE);
    if (this.#ending !== undefined) this.endSoon(this.#ending.error, 0);
  }

  write(_lane: LaneId, record: Bytes): boolean {
    return this.#state !== "open" || this.#link[this.#out].write(record);
  }

  bufferedBytes(_lane: LaneId): number {
    return this.#link[this.#out].bufferedBytes;
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
    this.#in.freeze();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#in.thaw();
  }

  get #in(): Pipe {
    return this.#link[this.#out === "aToB" ? "bToA" : "aToB"];
  }

  /** For the link: bytes have arrived. */
  deliver(bytes: Bytes): void {
    if (this.#state === "closed") return;
    if (this.#events === undefined) this.#early.push(bytes);
    else this.#events.data(MAIN_LANE, bytes);
  }

  /** For the link: there is room again. */
  drain(): void {
    if (this.#state !== "open") return;
    if (this.#events === undefined) this.#drained = true;
    else this.#events.drain(MAIN_LANE);
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
