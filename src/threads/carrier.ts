import { StateError } from "../core/errors.ts";
import type { CarrierChoice, ThreadTransport } from "./options.ts";

/**
 * What can carry sessions with a worker here.
 * @throws {StateError} when rings are wanted where memory cannot be shared.
 */
export function chooseCarrier(wanted: ThreadTransport | "auto" = "auto"): CarrierChoice {
  if (wanted === "message-port") return { carrier: wanted, reason: "The program asked for it" };
  const missing = whyNotShared();
  if (missing === undefined) return { carrier: "ring", reason: "Memory can be shared with the worker" };
  if (wanted === "ring") throw new StateError(`Cannot carry session over rings: ${missing}`);
  return { carrier: "message-port", reason: missing };
}

function whyNotShared(): string | undefined {
  // Undefined outside of browsers.
  if ((globalThis as { crossOriginIsolated?: boolean }).crossOriginIsolated === false) {
    return "The page is not cross-origin isolated: it needs the headers COOP and COEP";
  }
  return typeof SharedArrayBuffer === "undefined" ? "There is no shared memory here" : undefined;
}
