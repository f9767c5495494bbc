import type { Bench } from "../harness.ts";
import { latencies } from "./latency.ts";
import { manyRates, spscRates } from "./rates.ts";

/** Channels between threads of one process. */
export const CHANNELS: readonly Bench[] = [spscRates, manyRates, latencies];
