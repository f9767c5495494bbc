import { DEFAULT_PRIORITY } from "../core/sending/scheduler.ts";
import type { Stream } from "../core/streams/stream.ts";
import type { Metadata } from "../core/wire/metadata.ts";
import type { Session } from "../session/session.ts";
import type { CallOptions } from "./client.ts";
import type { Route } from "./route.ts";

/** The options of a call that was given none. */
export const NO_OPTIONS: CallOptions = {};
const NO_METADATA: Metadata = {};

/**
 * Open the stream of a call.
 * @throws {StreamError} when the session takes no new streams now.
 * @throws {RangeError} when an option is out of its bounds.
 */
export function openCall(session: Session, route: Route, options: CallOptions): Stream {
  const { name, position, schema } = route;
  const isPlain = options === NO_OPTIONS && position === 0 && schema === undefined;
  const metadata = isPlain ? NO_METADATA : toMetadata(options, position, schema);
  return session.open(name, metadata, options.priority ?? DEFAULT_PRIORITY, options.lane === "own");
}

function toMetadata(options: CallOptions, codec: number, schema: string | undefined): Metadata {
  const { deadlineMs, headers, priority, lane, trace, idempotencyKey, compress } = options;
  return {
    deadlineMs,
    headers: headers && new Map(headers),
    priority,
    ownLane: lane === "own" || undefined,
    trace,
    codec: codec || undefined,
    schema,
    idempotencyKey,
    compress: compress === false ? compress : undefined,
  };
}
