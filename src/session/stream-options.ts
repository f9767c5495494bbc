import type { Bytes } from "../core/bytes.ts";
import type { Codec } from "../core/codecs/codec.ts";
import type { Metadata } from "../core/wire/metadata.ts";

/** Where data travels: with everything else, or on a lane of its own where the transport has lanes. */
export type LaneChoice = "main" | "own";

/** How a stream is opened. */
export interface StreamOptions<Out = Bytes, In = Bytes> {
  /** Codec of both directions; both sides must name the same. Default: raw bytes. */
  readonly codec?: Codec<Out> & Codec<In>;
  /** Priority class of what this side sends, 0 (first) to 7. Default 3. */
  readonly priority?: number;
  /** Priority class that this side asks of the peer. */
  readonly peerPriority?: number;
  /** False for secrets: records with frames of this stream are not compressed, in either direction. Default true. */
  readonly compress?: boolean;
  /**
   * `own` for large transfers that are independent of everything else: where the transport has lanes, what this side
   * sends gets one of its own. Elsewhere, and while all lanes are taken, it travels on the main one. Default `main`.
   */
  readonly lane?: LaneChoice;
  /** The same for what the peer sends: a wish that it may not grant. */
  readonly peerLane?: LaneChoice;
  /** Text entries that the peer's handler sees. */
  readonly headers?: Iterable<readonly [string, string]>;
}

/** What the peer hears of the options when a stream is opened. */
export function streamMetadata<Out, In>(options: StreamOptions<Out, In>): Metadata {
  const { compress, headers, peerLane, peerPriority } = options;
  return {
    headers: headers && new Map(headers),
    priority: peerPriority,
    compress: compress === false ? compress : undefined,
    ownLane: peerLane === "own" || undefined,
  };
}
