import { contract, unary } from "tideway";
import * as v from "valibot";

/** Names of the streams that the page opens: raw bytes, without calls. */
export const STREAMS = {
  /** Every message comes back. */
  echo: "echo",
  /** Messages there; their bytes are told when they have ended. */
  up: "up",
  /** A request there; messages back until its time is over. */
  down: "down",
} as const;

/** Transfers yield to everything else, in both directions. */
export const BULK_OPTIONS = { priority: 6, peerPriority: 6 } as const;

/** The call whose round trip is measured. */
export const api = contract({
  bytes: unary({ input: v.instance(Uint8Array), output: v.instance(Uint8Array) }),
});

/** First byte of a message over the bare API, which has nothing to tell messages apart by. */
export const BareKind = {
  /** Sent back as it is. */
  Echo: 0,
  /** Counted. */
  Bulk: 1,
  /** Asks for the bytes that were counted since the last time; answered by one of the same kind. */
  Report: 2,
  /** Asks for messages for some time: see {@link encodeRequest}. Reported when they have all been sent. */
  Source: 3,
} as const;

/** Bytes of a request for messages, and of the figure that reports them. */
export const REQUEST_BYTES = 9;

/** A request for messages: a kind, then how long each is, then how long they are sent, ms. */
export function encodeRequest(messageBytes: number, durationMs: number): Uint8Array<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(REQUEST_BYTES));
  view.setUint8(0, BareKind.Source);
  view.setUint32(1, messageBytes);
  view.setUint32(5, durationMs);
  return new Uint8Array(view.buffer);
}

/** What {@link encodeRequest} has made. */
export function decodeRequest(bytes: Uint8Array): {
  readonly messageBytes: number;
  readonly durationMs: number;
} {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { messageBytes: view.getUint32(1), durationMs: view.getUint32(5) };
}

/** A number of bytes that were sent or received. */
export function encodeReport(count: number): Uint8Array<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(REQUEST_BYTES));
  view.setUint8(0, BareKind.Report);
  view.setFloat64(1, count);
  return new Uint8Array(view.buffer);
}

/** What {@link encodeReport} has made. */
export function decodeReport(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getFloat64(1);
}
