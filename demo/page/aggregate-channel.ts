import { type Codec, json } from "tideway";
import { coded, struct } from "tideway/channels";
import type { Sample } from "../contract.ts";

/** Samples on their way to the Worker, as text: it parses them. */
export const SAMPLES = coded(json as Codec<Sample>, 512);

/** What the Worker makes of the samples so far. */
export const AGGREGATE = struct({
  /** Samples, and how many of them a second when many came in a row; 0 before that. */
  count: "u32",
  rate: "f64",
  /** Part of all processors, 0 to 1. */
  meanCpu: "f64",
  mostCpu: "f64",
  /** Delay of the event loop of the host, ms. */
  mostDelayMs: "f64",
});

/** What one batch of samples has come to. */
export interface Aggregate {
  readonly count: number;
  readonly rate: number;
  readonly meanCpu: number;
  readonly mostCpu: number;
  readonly mostDelayMs: number;
}

/** What the Worker is started with: the memory of both channels. */
export interface Channels {
  readonly samples: SharedArrayBuffer;
  readonly aggregates: SharedArrayBuffer;
}
