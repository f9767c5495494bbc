import type { Bench } from "../harness.ts";
import { pipelinedCalls } from "./calls.ts";
import { idleMemory } from "./idle-memory.ts";
import { resumeAfterCut } from "./resume.ts";
import { resumeRoundTrips } from "./resume-trips.ts";

/** What is measured over WebSocket alone, against `ws`. */
export const WEBSOCKET: readonly Bench[] = [pipelinedCalls, idleMemory, resumeAfterCut, resumeRoundTrips];
