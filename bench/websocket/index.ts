import type { Bench } from "../harness.ts";
import { pipelinedCalls, roundTrip } from "./calls.ts";
import { callsDuringBulk } from "./calls-during-bulk.ts";
import { idleMemory } from "./idle-memory.ts";
import { bulkStream, smallMessages } from "./one-way.ts";
import { resumeAfterCut } from "./resume.ts";

/** Tideway over WebSocket between two processes, against `ws` alone. */
export const WEBSOCKET: readonly Bench[] = [
  smallMessages,
  pipelinedCalls,
  roundTrip,
  bulkStream,
  idleMemory,
  callsDuringBulk,
  resumeAfterCut,
];
