import { DEFAULT_DECODE_LIMITS, type DecodeLimits } from "./codecs/codec.ts";

/**
 * Every bound that a peer can run into. All are finite. What this side receives is checked against them before
 * anything is allocated; those that the peer must know travel in HELLO.
 *
 * Source: docs/protocol.md, section 8 (the table, with the error of each row).
 */
export interface Limits {
  /** Longest frame body, bytes (T1). A record holds {@link RECORD_SLACK_BYTES} more. */
  readonly maxFrameBytes: number;
  /** Longest message, bytes (T2). */
  readonly maxMessageBytes: number;
  /** Most fragments of one message (T2). */
  readonly maxFragments: number;
  /** Longest time from the first to the last fragment of a message, ms (T2). */
  readonly assemblyMs: number;
  /** Most frames in a row that move nothing forward (T3). */
  readonly maxIdleFrames: number;
  /** Most streams that the peer may have open at a time (T8). */
  readonly maxStreams: number;
  /** Most lanes beside the main one that the peer may open, where the transport has lanes (T8). */
  readonly maxLanes: number;
  /** Resets and stops a second that the peer may send, and how many at once (T9). */
  readonly resetsPerSecond: number;
  readonly resetBurst: number;
  /** Pings a second that the peer may send (T12). */
  readonly pingsPerSecond: number;
  /** Answers to control frames that wait for the transport; older ones are dropped (T12). */
  readonly maxControlReplies: number;
  /** First and largest receive window of a stream, bytes (T13). */
  readonly streamWindowBytes: number;
  readonly maxStreamWindowBytes: number;
  /** First and largest receive window of the session, bytes: what all unread messages may hold (T13). */
  readonly sessionWindowBytes: number;
  readonly maxSessionWindowBytes: number;
  /** A stream whose data waits this long for credit is reset with ERR_SLOW_CONSUMER, ms (T13). */
  readonly stallMs: number;
  /** Unsent bytes of all streams above which `trySend` says no. */
  readonly maxQueuedBytes: number;
  /**
   * Bytes that are kept after they were sent, until the peer has consumed them: what a resumed session sends again.
   * Above it the oldest are forgotten, and a session whose peer misses those cannot be resumed (T42).
   */
  readonly maxRetainedBytes: number;
  /** Most bytes and most entries of a frame's metadata (T11). */
  readonly maxMetadataBytes: number;
  readonly maxMetadataFields: number;
  /** Method names that this side gives numbers to, at most {@link MAX_NAMES}; later ones travel as text. */
  readonly maxNames: number;
  /** Datagrams, and their bytes, that wait to be sent (the oldest is dropped first) or to be heard (the newest is). */
  readonly maxDatagrams: number;
  readonly maxDatagramQueueBytes: number;
  /** How long a datagram may wait to be sent; one that waits longer is dropped, ms. */
  readonly maxDatagramAgeMs: number;
  /** Largest datagram, bytes. */
  readonly maxDatagramBytes: number;
  /** Time for the whole handshake, ms (T32). */
  readonly handshakeMs: number;
  /** What a peer that is not yet accepted may make this side hold, bytes (T34). */
  readonly maxEarlyBytes: number;
  /** Silence after which a server sends PING, ms; two unanswered in a row end the connection (F2). */
  readonly keepAliveMs: number;
  /** Calls of the peer that may run at a time (T66). */
  readonly maxCalls: number;
  /** Longest time that a call may take when it names no deadline, ms (T66). */
  readonly callMs: number;
  /** Bounds of decoded values (T17, T18, T21). */
  readonly decode: DecodeLimits;
}

/** The defaults. */
export const DEFAULT_LIMITS: Limits = {
  maxFrameBytes: 65_536,
  maxMessageBytes: 16_777_216,
  maxFragments: 4_096,
  assemblyMs: 30_000,
  maxIdleFrames: 100,
  maxStreams: 128,
  maxLanes: 16,
  resetsPerSecond: 200,
  resetBurst: 1_000,
  pingsPerSecond: 20,
  maxControlReplies: 64,
  streamWindowBytes: 262_144,
  maxStreamWindowBytes: 8_388_608,
  sessionWindowBytes: 1_048_576,
  maxSessionWindowBytes: 16_777_216,
  stallMs: 120_000,
  maxQueuedBytes: 8_388_608,
  maxRetainedBytes: 16_777_216,
  maxMetadataBytes: 8_192,
  maxMetadataFields: 64,
  maxNames: 1_024,
  maxDatagrams: 256,
  maxDatagramQueueBytes: 65_536,
  maxDatagramAgeMs: 1_000,
  maxDatagramBytes: 1_150,
  handshakeMs: 10_000,
  maxEarlyBytes: 8_192,
  keepAliveMs: 15_000,
  maxCalls: 1_024,
  callMs: 30_000,
  decode: DEFAULT_DECODE_LIMITS,
};

/** What no option can pass. Source: docs/protocol.md, section 8. */
export const HARD_LIMITS: Partial<Record<keyof Limits, number>> = {
  maxFrameBytes: 1_048_576,
  maxMessageBytes: 268_435_456,
  maxFragments: 131_072,
  assemblyMs: 600_000,
  maxStreams: 65_536,
  maxLanes: 256,
  streamWindowBytes: 1_073_741_824,
  maxStreamWindowBytes: 1_073_741_824,
  sessionWindowBytes: 1_073_741_824,
  maxSessionWindowBytes: 1_073_741_824,
  maxMetadataBytes: 65_536,
  maxControlReplies: 1_024,
  maxRetainedBytes: 67_108_864,
  maxCalls: 65_536,
};

/** Bytes of a record beyond its longest frame body: headers and small frames that travel with it. */
export const RECORD_SLACK_BYTES = 1_024;

/** Smallest values that let the protocol move, early data included; every other limit is at least 1. */
const LEAST: Partial<Record<keyof Limits, number>> = {
  maxFrameBytes: 4_096,
  maxMessageBytes: 4_096,
  maxStreams: 16,
  maxEarlyBytes: 8_192,
  // A peer cannot know of lower ones: HELLO does not carry them.
  maxMetadataBytes: 8_192,
  maxMetadataFields: 64,
  streamWindowBytes: 4_096,
  maxStreamWindowBytes: 4_096,
  sessionWindowBytes: 4_096,
  maxSessionWindowBytes: 4_096,
};

/** What a peer may send before it has seen our HELLO: bytes of flow control for the session and for a stream. */
export const EARLY_WINDOW_BYTES = 4_096;

/** Streams that a peer may open before it has seen our HELLO. */
export const EARLY_STREAMS = 16;

/** Bytes of records that a client may send behind its HELLO before it has seen the server's. */
export const EARLY_BYTES = 8_192;

/** Records that it may send so. */
export const EARLY_RECORDS = 64;

/** Longest body of a HELLO frame, bytes (T34). */
export const MAX_HELLO_BYTES = 4_096;

/** Method names that a connection remembers for each direction; both sides must stop at the same number. */
export const MAX_NAMES = 1_024;

/** Longest method name, UTF-8 bytes (T31). */
export const MAX_NAME_BYTES = 256;

/** Largest distance between what was consumed and what may be sent, for any window (T13). */
export const MAX_WINDOW_BYTES = 2_147_483_647;

/**
 * Defaults with `changes` over them.
 * @throws {RangeError} when a value is not a whole number inside its bounds.
 */
export function resolveLimits(changes?: Partial<Limits>): Limits {
  if (changes === undefined) return DEFAULT_LIMITS;
  const limits = { ...DEFAULT_LIMITS, ...changes };
  for (const [name, value] of Object.entries(limits)) {
    if (name === "decode") continue;
    const most = HARD_LIMITS[name as keyof Limits] ?? MAX_WINDOW_BYTES;
    const least = LEAST[name as keyof Limits] ?? 1;
    if (!Number.isInteger(value) || (value as number) < least || (value as number) > most) {
      throw new RangeError(
        `Cannot use limit ${name} ${String(value)}: must be a whole number from ${least} to ${most}`,
      );
    }
  }
  // A largest window that is given alone bounds the first one too; otherwise the first one is never cut.
  const stream = changes.streamWindowBytes ?? Math.min(limits.streamWindowBytes, limits.maxStreamWindowBytes);
  const session =
    changes.sessionWindowBytes ?? Math.min(limits.sessionWindowBytes, limits.maxSessionWindowBytes);
  return {
    ...limits,
    streamWindowBytes: stream,
    maxStreamWindowBytes: Math.max(limits.maxStreamWindowBytes, stream),
    sessionWindowBytes: session,
    maxSessionWindowBytes: Math.max(limits.maxSessionWindowBytes, session),
  };
}
