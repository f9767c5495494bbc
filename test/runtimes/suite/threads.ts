import { connectWorker } from "tideway";
import type { Connect } from "./case.ts";

type AnyWorker = Parameters<typeof connectWorker>[0];

/** Opens sessions with a worker, over rings or not at all. */
export function overRings(worker: AnyWorker): Connect {
  return (_url, { reconnect: _, resumeMs: _no, ...options }) =>
    connectWorker(worker, { ...options, carrier: "ring" });
}
