import type { Bench } from "../harness.ts";
import { algorithms } from "./algorithms.ts";
import { inChromium } from "./chromium.ts";
import { inVain } from "./in-vain.ts";
import { wholeSessions } from "./sessions.ts";

/** What compression costs and saves. */
export const COMPRESSION: readonly Bench[] = [algorithms, inChromium, wholeSessions, inVain];
