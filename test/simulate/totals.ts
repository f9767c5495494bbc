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
  connections = 0;
  resumes = 0;
  migrations = 0;
  /** One number over all hashes, for comparing runtimes. */
  #hash = 0;
  readonly failed: SimulateResult[] = [];
  readonly faults: Map<FaultKind, number> = new Map(FAULT_KINDS.map((kind) => [kind, 0]));
  /** How often each situation was met, and in how many runs. */
  readonly markers: Map<Marker, number> = new Map(MARKERS.map((marker) => [marker, 0]));
  readonly markerRuns: Map<Marker, number> = new Map(MARKERS.map((marker) => [marker, 0]));

  /** Add a run. */
  add(result: SimulateResult): void {
    this.seeds++;
    this.operations += result.operations;
    this.messages += result.messages;
    this.bytes += result.bytes;
    this.virtualMs += result.virtualMs;
    this.connections += result.connections;
    this.resumes += result.resumes;
    this.migrations += result.migrations;
    for (const digit of result.hash) this.#hash = Math.imul(this.#hash ^ digit.charCodeAt(0), 0x01000193);
    if (result.violation !== undefined) this.failed.push(result);
    for (const [kind, count] of result.faults) this.faults.set(kind, (this.faults.get(kind) ?? 0) + count);
    for (const [marker, hits] of result.markers) {
      this.markers.set(marker, (this.markers.get(marker) ?? 0) + hits);
      this.markerRuns.set(marker, (this.markerRuns.get(marker) ?? 0) + 1);
    }
  }

  /** 8 hexadecimal digits over the hashes of all runs, in their order. */
  get hash(): string {
    return (this.#hash >>> 0).toString(16).padStart(8, "0");
  }

  /** How often each fault has happened, as one line. */
  describeFaults(): string {
    return [...this.faults].map(([kind, count]) => `${kind} ${count}`).join(", ");
  }

  /** How often each situation was met, as one line. */
  describeMarkers(): string {
    return [...this.markers].map(([marker, count]) => `${marker} ${count}`).join(", ");
  }
}
