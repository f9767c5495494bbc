import { ProtocolError } from "../errors.ts";
import * as Control from "../streams/control.ts";
import type { Mux } from "../streams/mux.ts";
import { type Stream, WAITS } from "../streams/stream.ts";
import { endStream, lostError } from "../streams/stream-end.ts";
import { isStopped } from "./told.ts";

/**
 * The OPEN of a stream was lost: it is sent again, or the stream ends where it was given up meanwhile.
 * @throws {ProtocolError} when the peer had answered it.
 */
export function unopen(mux: Mux, stream: Stream): void {
  const { receive, send } = stream;
  const { outbox, table, told } = mux;
  const stopped = isStopped(stream);
  if (receive.window.received > 0 || send.acked > 0)
    throw new ProtocolError("ERR_PROTOCOL", `Cannot resume: stream ${stream.id} was answered before`);
  if (send.closed) {
    outbox.sent -= send.sent;
    told.remove(stream);
    table.unopen(stream);
    endStream(mux, stream, stream.failure ?? lostError(stream, undefined));
    return;
  }
  resumeSending(mux, stream, 0, 0, send.limit);
  told.remove(stream);
  table.unopen(stream);
  stream.control = stopped ? Control.STOP : 0;
  stream.progressAt = WAITS;
  outbox.schedule(stream);
}

/** Go back to what the peer has of a stream. See {@link SendHalf.resume}. */
export function resumeSending(
  mux: Mux,
  stream: Stream,
  received: number,
  consumed: number,
  limit: number,
): void {
  const { send } = stream;
  const { retained } = send;
  const again = send.resume(received, consumed, limit);
  mux.outbox.retainedBytes -= retained - send.retained;
  mux.outbox.resumed(stream, again);
  mux.resentBytes += again;
}
