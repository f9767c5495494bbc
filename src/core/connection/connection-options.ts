import type { Bytes } from "../bytes.ts";
import type { RecordCompression } from "../compression/record-compression.ts";
import type { Limits } from "../limits.ts";
import type { Mux } from "../streams/mux.ts";
import type { Role } from "../streams/stream-table.ts";
import type { BufferPool } from "../wire/buffer-pool.ts";

/** The session that a client wants to carry on. */
export interface ResumeRequest {
  readonly sessionId: Bytes;
  /** What the server gave for it last. */
  readonly resumeToken: Bytes;
  /** How often the client has tried to carry the session on, this time included. */
  readonly attempt?: number;
  /** The streams of the session. */
  readonly mux: Mux;
  /**
   * Called when the server has agreed, before `mux` is touched: another connection that carries it still lets go of
   * it here. Without it none does, and what this side has received travels with HELLO.
   */
  readonly claim?: () => void;
}

/** How a server lets a client in. */
export interface Welcome {
  /** 16 random bytes that name the session. */
  readonly sessionId: Bytes;
  /** What the client can carry the session on with, and for how long after a loss, ms; nothing where it cannot. */
  readonly resume?: { readonly resumeToken: Bytes; readonly resumeMs: number };
  /** The streams of the session that the client asked for, when it is known. No other connection carries them. */
  readonly mux?: Mux;
}

/** What a connection is made from. */
export interface ConnectionOptions {
  readonly role: Role;
  /** Whether the lanes keep the boundaries of records; otherwise a length goes in front. */
  readonly messageBoundaries: boolean;
  /** Lanes that the transport can have beside the main one, of each side. Default 0. */
  readonly lanes?: number;
  /** Whether the transport takes a record in two parts: a long payload is then not copied into it. */
  readonly twoParts?: boolean;
  /** This side's bounds; those that the peer must know go out in HELLO. */
  readonly limits: Limits;
  /** Names of the codecs of this side, the preferred one first. */
  readonly codecs: readonly string[];
  /** What compresses and expands records; nothing when this side does neither. For this connection alone. */
  readonly compression?: RecordCompression | undefined;
  /** What proves who this side is (client). */
  readonly token?: Bytes | undefined;
  /** Program and version, for logs. */
  readonly agent?: string;
  /** The streams that this connection carries, unless it carries on older ones; fresh ones by default. */
  readonly mux?: Mux;
  /**
   * Client, instead of `mux`: called when the server has answered, with what gives the streams to carry. Until then
   * nothing but HELLO goes out, so that several connections can ask and one of them gets the streams.
   */
  readonly claim?: () => Mux;
  /** Client: the session to carry on, where there is one. */
  readonly resume?: ResumeRequest;
  /** Client: how long it tries to carry on a session whose connection was lost, ms; 0 for not at all. */
  readonly resumeMs?: number;
  /** Whether a `stalled` event tells that nothing comes back for what was written. */
  readonly watch?: boolean;
  /** Where records are built; share one between the connections of a process. */
  readonly pool?: BufferPool | undefined;
  /** The time, ms, on a clock that never goes back. */
  readonly now: number;
}

/** Totals of one connection. */
export interface ConnectionCounters {
  recordsSent: number;
  recordsReceived: number;
  bytesSent: number;
  bytesReceived: number;
  /** Bytes that were not sent because records were compressed. */
  bytesSaved: number;
  /** Answers to pings that were dropped because too many waited (T12). */
  pongsDropped: number;
  /** Datagrams of the peer that were over the limit. */
  datagramsRefused: number;
}
