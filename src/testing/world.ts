import type { Role } from "../core/stream-table.ts";
import type { VirtualClock } from "./clock.ts";
import type { Configuration, FaultKind } from "./configuration.ts";
import type { Exchange } from "./ledger.ts";
import type { Marker } from "./markers.ts";
import type { Random } from "./random.ts";
import type { Trace } from "./trace.ts";

/** A rule of the protocol or of the interface was broken. */
export class Violation extends Error {
  override readonly name: string = "Violation";
}

/** What everything in a run shares. */
export class World {
  readonly clock: VirtualClock;
  readonly configuration: Configuration;
  readonly random: Random;
  readonly trace: Trace;
  readonly exchanges: Exchange[] = [];
  readonly faults: Map<FaultKind, number> = new Map();
  /** Situations that were met. */
  readonly markers: Set<Marker> = new Set();
  operations = 0;
  plannedBytes = 0;
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

  /** Count a fault that happened. */
  fault(kind: FaultKind, count = 1): void {
    if (count > 0) this.faults.set(kind, (this.faults.get(kind) ?? 0) + count);
  }

  /** Remember that a situation was met. */
  mark(marker: Marker): void {
    this.markers.add(marker);
  }

  /** Add to the trace. */
  note(role: Role, what: string, ...numbers: readonly number[]): void {
    const { trace } = this;
    const now = this.clock.now();
    trace.add(now);
    trace.add(role === "client" ? 1 : 2);
    trace.add(what.length);
    for (let i = 0; i < numbers.length; i++) trace.add(numbers[i] as number);
    if (trace.kept) trace.line(now, () => `${role} ${what} ${numbers.join(" ")}`);
  }

  /** @throws {Violation} always. */
  fail(text: string): never {
    throw new Violation(text);
  }
}

/** The other side. */
export function otherRole(role: Role): Role {
  return role === "client" ? "server" : "client";
}
