import type { Bytes } from "../core/bytes.ts";
import type { Codec } from "../core/codecs/codec.ts";
import { json } from "../core/codecs/json.ts";
import type { Compression } from "../core/compression/record-compression.ts";
import { type Limits, resolveLimits } from "../core/limits.ts";
import type { BufferPool } from "../core/wire/buffer-pool.ts";
import { type Clock, SYSTEM_CLOCK } from "../transports/drive.ts";

/** What both ends of a session can choose. */
export interface SessionOptions {
  /** Codecs of typed messages, the preferred one first; both ends must have one in common. Default: JSON. */
  readonly codecs?: readonly Codec[];
  /** How records are compressed, where the peer asks for it too: see `tideway/compression`. Default: not at all. */
  readonly compression?: Compression;
  /** Bounds that differ from the defaults. */
  readonly limits?: Partial<Limits>;
  /** Program and version, for the peer's logs. */
  readonly agent?: string;
  /** Where records are built; a server shares one between its sessions. */
  readonly pool?: BufferPool;
  /** Time and timers; a simulation brings its own. */
  readonly clock?: Clock;
}

/** What proves who a client is: a token, or what makes one for each attempt to connect. */
export type Credentials = string | Bytes | (() => string | Bytes | Promise<string | Bytes>);

/** Options with every default filled in. */
export interface ResolvedOptions {
  readonly codecs: readonly Codec[];
  readonly compression: Compression | undefined;
  readonly limits: Limits;
  readonly agent: string;
  readonly pool: BufferPool | undefined;
  readonly clock: Clock;
}

/** @throws {RangeError} when a limit is out of its bounds, or there is no codec. */
export function resolveOptions(options: SessionOptions): ResolvedOptions {
  const codecs = options.codecs ?? [json];
  if (codecs.length === 0) throw new RangeError("Cannot start session: codecs is empty");
  return {
    codecs,
    compression: options.compression,
    limits: resolveLimits(options.limits),
    agent: options.agent ?? "tideway",
    pool: options.pool,
    clock: options.clock ?? SYSTEM_CLOCK,
  };
}

/** Ways to end a session. */
export interface CloseOptions {
  /** Text for the peer's logs, at most 128 bytes of UTF-8. */
  readonly reason?: string;
}
