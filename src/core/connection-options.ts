import type { BufferPool } from "./buffer-pool.ts";
import type { Bytes } from "./bytes.ts";
import type { Limits } from "./limits.ts";
import type { Mux } from "./mux.ts";
import type { Role } from "./stream-table.ts";

/** What a connection is made from. */
export interface ConnectionOptions {
  readonly role: Role;
  /** Whether the lanes keep the boundaries of records; otherwise a length goes in front. */
  readonly messageBoundaries: boolean;
  /** This side's bounds; those that the peer must know go out in HELLO. */
  readonly limits: Limits;
  /** Names of the codecs of this side, the preferred one first. */
  readonly codecs: readonly string[];
  /** What proves who this side is (client). */
  readonly token?: Bytes;
  /** Program and version, for logs. */
  readonly agent?: string;
  /** The session whose streams this connection carries; a fresh one by default. */
  readonly mux?: Mux;
  /** Where records are built; share one between the connections of a process. */
  readonly pool?: BufferPool;
  /** The time, ms, on a clock that never goes back. */
  readonly now: number;
}

/** Totals of one connection. */
export interface ConnectionCounters {
  recordsSent: number;
  recordsReceived: number;
  bytesSent: number;
  bytesReceived: number;
  /** Answers to pings that were dropped because too many waited (T12). */
  pongsDropped: number;
  /** Datagrams of the peer that were over the limit. */
  datagramsRefused: number;
}
