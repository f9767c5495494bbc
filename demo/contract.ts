import { clientStream, contract, duplex, serverStream, unary } from "tideway";
import * as v from "valibot";

/** Bytes of one message of a file: small enough that a call in between waits for no more than this. */
export const CHUNK_BYTES = 64 * 1024;

/** What of a file may be on its way at a time. */
const WINDOW_BYTES = 2 * CHUNK_BYTES;

/**
 * Bounds of both ends. A call overtakes a file in every queue of Tideway, but not in those of the browser and the
 * network: a short window keeps little in them. It costs throughput where the round trip is long.
 */
export const LIMITS = { streamWindowBytes: WINDOW_BYTES, maxStreamWindowBytes: WINDOW_BYTES } as const;

/** Where the server takes sessions over WebSocket, and where it says what else it has. */
export const PATH = "/tideway";
/** Where {@link ServerInfo} is. */
export const INFO_PATH = "/server.json";

/** Longest line of the chat, characters. */
export const MAX_LINE_CHARS = 500;

/** What the page must know before it connects. */
export const serverInfo = v.object({
  /** Name and version of what runs the server. */
  runtime: v.string(),
  /** Where it serves WebTransport; absent where it does not. */
  webTransport: v.optional(
    v.object({
      url: v.pipe(v.string(), v.url()),
      /** SHA-256 of its certificate, hexadecimal: no authority has signed it. */
      certificateHash: v.pipe(v.string(), v.hexadecimal(), v.length(64)),
    }),
  ),
});

const bytes = v.instance(Uint8Array);
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

const sample = v.object({
  /** 0 for the first sample of a subscription, one more for each that follows. */
  sequence: count,
  /** When it was taken, ms since 1970 by the server's clock. */
  takenAt: v.number(),
  /** Part of all processors that was busy since the last sample, 0 to 1. */
  cpu: v.number(),
  memoryUsedBytes: count,
  memoryTotalBytes: count,
  /** 99th percentile of how late the server's event loop ran since the last sample, ms. */
  loopDelayMs: v.number(),
});

const receipt = v.object({
  name: v.string(),
  sizeBytes: count,
  /** SHA-256 of what the server has stored, hexadecimal. */
  sha256: v.string(),
});

const chatEvent = v.variant("kind", [
  v.object({ kind: v.literal("welcome"), name: v.string(), members: count }),
  v.object({ kind: v.literal("joined"), name: v.string(), members: count }),
  v.object({ kind: v.literal("left"), name: v.string(), members: count }),
  v.object({ kind: v.literal("line"), name: v.string(), text: v.string() }),
  /** This member did not read fast enough, and so many events were dropped for it. */
  v.object({ kind: v.literal("missed"), events: count }),
]);

/** The API between the page and the server: both sides import it, and their types follow from it. */
export const api = contract({
  /** Answers with what it gets. */
  echo: unary({ input: bytes, output: bytes }),

  /**
   * Break every connection of the caller, without a word. The answer comes over the next one: how many those were. 0
   * where the runtime of the server cannot: the caller is still connected then.
   */
  cut: unary({ input: v.void(), output: count }),

  /** How the host is doing, for as long as the caller listens. */
  telemetry: serverStream({
    input: v.object({ everyMs: v.pipe(v.number(), v.minValue(50), v.maxValue(60_000)) }),
    output: sample,
  }),

  files: {
    /** Store a file, in place of the caller's last one. Headers: `name`, and `size` in bytes. */
    upload: clientStream({
      input: bytes,
      output: receipt,
      errors: {
        FILE_TOO_LARGE: v.object({ limitBytes: count }),
        STORE_FULL: v.object({ limitBytes: count }),
      },
    }),
    /** The caller's file, from its first byte to its last. */
    download: serverStream({
      input: v.void(),
      output: bytes,
      errors: { NO_FILE: v.object({}) },
    }),
  },

  chat: {
    /** Lines there, events back, until the caller leaves. */
    join: duplex({
      input: v.pipe(v.string(), v.trim(), v.minLength(1), v.maxLength(MAX_LINE_CHARS)),
      output: chatEvent,
    }),
  },
});

/** What the page must know before it connects. */
export type ServerInfo = v.InferOutput<typeof serverInfo>;

/** One reading of the host. */
export type Sample = v.InferOutput<typeof sample>;

/** What the server says of a file that it has stored. */
export type Receipt = v.InferOutput<typeof receipt>;

/** What a member of the chat hears. */
export type ChatEvent = v.InferOutput<typeof chatEvent>;
