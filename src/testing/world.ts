import type { VirtualClock } from "./clock.ts";
import type { Configuration } from "./configuration.ts";
import type { FaultKind } from "./faults.ts";
import type { Exchange } from "./ledger.ts";
import type { Marker } from "./markers.ts";
import type { Random } from "./random.ts";
import type { Trace } from "./trace.ts";

/** A rule of the protocol or of the interface was broken. */
export class Violation extends Error {
  override readonly name: string = "Violation";
}

/** Where something happens: a client, or the server. */
export interface Place {
  readonly number: number;
  readonly name: string;
}

/** What everything in a run shares. */
export class World {
  readonly clock: VirtualClock;
  readonly configuration: Configuration;
  readonly random: Random;
  readonly trace: Trace;
  readonly exchanges: Exchange[] = [];
  readonly faults: Map<FaultKind, number> = new Map();
  /** Situations that were met, and how often. */
  readonly markers: Map<Marker, number> = new Map();
  operations = 0;
  plannedBytes = 0;
  /** Bytes of all records that were written. */
  writtenBytes = 0;
  /** Longest message that was sent, bytes. */
  longestBytes = 0;
  /** All faults are over: what is left must come to its end. */
  healing = false;
  /** A side has called `goAway`. */
  goingAway = false;
  /** Messages and their times allow that a timeout ends something. */
  mayTimeOut = false;

  constructor(clock: VirtualClock, configuration: Configuration, random: Random, trace: Trace) {
    this.clock = clock;
    this.configuration = configuration;
    this.random = random;
    this.trace = trace;
  }

  /** Whether the seed has a kind of fault switched on. */
  has(kind: FaultKind): boolean {
    return this.configuration.faults.has(kind);
  }

  /** Count a fault that happened. */
  fault(kind: FaultKind, count = 1): void {
    if (count > 0) this.faults.set(kind, (this.faults.get(kind) ?? 0) + count);
  }

  /** Count a situation that was met. */
  mark(marker: Marker): void {
    this.markers.set(marker, (this.markers.get(marker) ?? 0) + 1);
  }

  /** Add to the trace. */
  note(place: Place, what: string, ...numbers: readonly number[]): void {
    const { trace } = this;
    const now = this.clock.now();
    trace.add(now);
    trace.add(place.number);
    trace.add(what.length);
    for (let i = 0; i < numbers.length; i++) trace.add(numbers[i] as number);
    if (trace.kept) trace.line(now, () => `${place.name} ${what} ${numbers.join(" ")}`);
  }

  /** @throws {Violation} always. */
  fail(text: string): never {
    throw new Violation(text);
  }
}
