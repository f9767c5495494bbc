import { encodeText } from "../core/bytes.ts";
import { TransportError, type WireError } from "../core/errors.ts";
import type { TransportEvents } from "./transport.ts";

/** How a transport ended: without an error when the peer closed it in order, or this side did. */
export interface TransportEnd {
  readonly error: WireError | undefined;
}

/** Tell of the end of a transport, not before whatever calls this has returned. */
export function tellEnd(events: TransportEvents | undefined, { error }: TransportEnd): void {
  if (events !== undefined) queueMicrotask(() => events.closed(error));
}

/** Name of the lock that the sender holds for as long as it lives. */
export function isLock(data: unknown): data is { readonly lock: string } {
  return typeof data === "object" && data !== null && "lock" in data && typeof data.lock === "string";
}

/** What the sender has taken since the beginning, with memory of it that may be used again. */
export interface PortReturn {
  readonly taken: number;
  readonly back: readonly ArrayBuffer[];
}

/** Most that goes back at a time, buffers. */
export const MOST_RETURNED = 32;

/** Whether a message gives memory back: each buffer once. */
export function isReturn(data: unknown): data is PortReturn {
  if (typeof data !== "object" || data === null || !("taken" in data) || !("back" in data)) return false;
  const { taken, back } = data;
  if (typeof taken !== "number" || !Array.isArray(back) || back.length > MOST_RETURNED) return false;
  const buffers = new Set(back);
  return buffers.size === back.length && [...buffers].every((each) => each instanceof ArrayBuffer);
}

/** The last message on a port. */
export interface PortClose {
  readonly close: number;
  readonly reason: string;
}

/** Whether a message says that nothing follows. */
export function isClose(data: unknown): data is PortClose {
  if (typeof data !== "object" || data === null || !("close" in data) || !("reason" in data)) return false;
  return typeof data.close === "number" && typeof data.reason === "string";
}

/** Longest reason of a peer that is repeated, bytes. */
const REASON_BYTES = 256;

/**
 * What `closed` is told when the peer has closed; `undefined` for an end in order.
 * @param carrier - what was closed, for people
 */
export function closeError(
  { close, reason }: PortClose,
  carrier: "port" | "rings",
): TransportError | undefined {
  if (close === 1_000) return undefined;
  const text = encodeText(reason).length > REASON_BYTES ? "" : `, ${reason}`;
  return new TransportError(`Cannot continue on ${carrier}: closed with code ${close}${text}`);
}

/**
 * Hear of a thread that cannot be started, which says so to whoever made it.
 * @returns what ends the hearing.
 */
export function onFailedStart(starter: EventTarget | undefined, run: () => void): () => void {
  starter?.addEventListener("error", run);
  return () => starter?.removeEventListener("error", run);
}
