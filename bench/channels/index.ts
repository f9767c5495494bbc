import type { Bench } from "../harness.ts";
import { latencies } from "./latency.ts";
import { manyRates, scalingRates, spscRates } from "./rates.ts";

/** Channels between threads of one process. */
export const CHANNELS: readonly Bench[] = [spscRates, manyRates, scalingRates, latencies];
