import {
  FAULT_KINDS,
  type FaultKind,
  MARKERS,
  type Marker,
  type SimulateResult,
} from "../../src/testing/index.ts";

/** What many runs have done together. */
export class Totals {
  seeds = 0;
  operations = 0;
  messages = 0;
  bytes = 0;
  virtualMs = 0;
  readonly failed: SimulateResult[] = [];
  readonly faults: Map<FaultKind, number> = new Map(FAULT_KINDS.map((kind) => [kind, 0]));
  /** Runs in which a situation was met. */
  readonly markers: Map<Marker, number> = new Map(MARKERS.map((marker) => [marker, 0]));

  /** Add a run. */
  add(result: SimulateResult): void {
    this.seeds++;
    this.operations += result.operations;
    this.messages += result.messages;
    this.bytes += result.bytes;
    this.virtualMs += result.virtualMs;
    if (result.violation !== undefined) this.failed.push(result);
    for (const [kind, count] of result.faults) this.faults.set(kind, (this.faults.get(kind) ?? 0) + count);
    for (const marker of result.markers) this.markers.set(marker, (this.markers.get(marker) ?? 0) + 1);
  }

  /** How often each fault has happened, as one line. */
  describeFaults(): string {
    return [...this.faults].map(([kind, count]) => `${kind} ${count}`).join(", ");
  }

  /** In how many runs each situation was met, as one line. */
  describeMarkers(): string {
    return [...this.markers].map(([marker, count]) => `${marker} ${count}`).join(", ");
  }
}
