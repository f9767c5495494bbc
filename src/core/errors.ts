/**
 * Every error code, with its number on the wire. Names and numbers are stable: a number is never used again.
 *
 * Source: docs/protocol.md, section 9.
 */
export const ErrorCode = {
  /** No error: a normal end. */
  ERR_NONE: 0,
  /** The peer broke the protocol. */
  ERR_PROTOCOL: 1,
  /** A frame or record is longer than its limit. */
  ERR_FRAME_TOO_LARGE: 2,
  /** A message is longer, or has more fragments, than its limit. */
  ERR_MESSAGE_TOO_LARGE: 3,
  /** Bytes beyond the granted credit, or a credit that is not possible. */
  ERR_FLOW: 4,
  /** A stream was opened beyond the granted number of streams. */
  ERR_STREAM_LIMIT: 5,
  /** Too many resets, pings or empty frames in too short a time. */
  ERR_RATE: 6,
  /** Another bound of the limits table was passed; the message names it. */
  ERR_LIMIT: 7,
  /** Something that has a deadline did not happen in time. */
  ERR_TIMEOUT: 8,
  /** A codec could not decode a value. */
  ERR_DECODE: 9,
  /** Compressed bytes could not be expanded inside their limit. */
  ERR_COMPRESS: 10,
  /** No protocol version in common. */
  ERR_VERSION: 11,
  /** The peer is not who it must be, or may not do this. */
  ERR_AUTH: 12,
  /** This side has no room for more work now. */
  ERR_OVERLOADED: 13,
  /** The peer does not read fast enough. */
  ERR_SLOW_CONSUMER: 14,
  /** The session to resume is not known here (expired, never existed, wrong proof: all the same). */
  ERR_SESSION_UNKNOWN: 15,
  /** The session was kept for its time and is gone. */
  ERR_SESSION_EXPIRED: 16,
  /** Another connection took this session over. */
  ERR_TAKEOVER: 17,
  /** A fault of this side, not described to the peer. */
  ERR_INTERNAL: 18,
  /** The caller gave up. */
  ERR_CANCELLED: 19,
  /** The call's deadline passed. */
  ERR_DEADLINE: 20,
  /** This side shuts down and takes no new streams. */
  ERR_GOING_AWAY: 21,
  /** The connection was lost; local only, never sent. */
  ERR_CONNECTION_LOST: 22,
  /** The called method does not exist here. */
  ERR_UNKNOWN_METHOD: 23,
  /** An error that the application defined; carries its own name and details. */
  ERR_APPLICATION: 24,
  /** The thread or process on the other side is gone; local only. */
  ERR_PEER_GONE: 25,
  /** No codec in common for this stream. */
  ERR_CODEC: 26,
  /** A value does not fit the contract's schema. */
  ERR_VALIDATION: 27,
  /** A method was called in a way its state forbids; local only. */
  ERR_STATE: 28,
} as const;

/** Stable name of an error, for programs to test: `error.code === "ERR_DEADLINE"`. */
export type ErrorName = keyof typeof ErrorCode;

const NAMES = Object.keys(ErrorCode) as readonly ErrorName[];

/** Name of a wire number; a number of a later version reads as `ERR_INTERNAL`. */
export function errorName(code: number): ErrorName {
  return NAMES[code] ?? "ERR_INTERNAL";
}

/** Errors that mean something on the side where they happen only. */
const LOCAL: readonly ErrorName[] = ["ERR_CONNECTION_LOST", "ERR_PEER_GONE", "ERR_STATE"];

/** Number that tells the peer of an error; one that is local reads as cancelled there. */
export function wireCode(name: ErrorName): number {
  return ErrorCode[LOCAL.includes(name) ? "ERR_CANCELLED" : name];
}

/**
 * WebSocket close code for a connection that ends with an error: 1000 for none, else 4000 + its number.
 *
 * Browsers let a program use only 1000 and 3000..4999.
 */
export function closeCodeOf(name: ErrorName): number {
  return name === "ERR_NONE" ? 1_000 : 4_000 + ErrorCode[name];
}

/** Base of all errors of the library that are not plain argument errors. `code` is stable, the message is not. */
export class WireError extends Error {
  /** What happened, for programs. */
  readonly code: ErrorName;
  override name: string = "WireError";

  constructor(code: ErrorName, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** The peer is at fault. The only error that a decoder throws; `code` is sent to the peer in CLOSE. */
export class ProtocolError extends WireError {
  override name: string = "ProtocolError";
}

/** The runtime or the network is at fault; `cause` is its error where it gave one. */
export class TransportError extends WireError {
  override name: string = "TransportError";

  constructor(message: string, options?: { readonly code?: ErrorName; readonly cause?: unknown }) {
    super(options?.code ?? "ERR_CONNECTION_LOST", message, options);
  }
}

/** A right call at the wrong time, such as a send on a stream that was closed. */
export class StateError extends WireError {
  override name: string = "StateError";

  constructor(message: string) {
    super("ERR_STATE", message);
  }
}

/** A stream ended before its end: reset by the peer, stopped, or lost with its connection. */
export class StreamError extends WireError {
  override name: string = "StreamError";
}

/** What this side knows of a stream at the moment it was lost. Positions count payload and the charges of messages. */
export interface StreamProgress {
  /** Whether the peer can have seen the stream: false when nothing of it ever left this side. */
  readonly opened: boolean;
  /** Charged bytes that left this side, and those of them that the peer's application has consumed. */
  readonly sentBytes: number;
  readonly consumedBytes: number;
  /** Charged bytes that were queued and never left. */
  readonly unsentBytes: number;
  /** Charged bytes that arrived here. */
  readonly receivedBytes: number;
}

/** A stream ended because its session could not be carried on: its connection was lost and not resumed. */
export class StreamLostError extends StreamError {
  /** What is known of how far both sides came. What was sent and not consumed may or may not have been seen. */
  readonly progress: StreamProgress;
  override name: string = "StreamLostError";

  constructor(
    code: ErrorName,
    message: string,
    progress: StreamProgress,
    options?: { readonly cause?: unknown },
  ) {
    super(code, message, options);
    this.progress = progress;
  }
}

/** What something that was thrown says. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
