import {
  type ErrorName,
  ProtocolError,
  StreamError,
  StreamLostError,
  type StreamProgress,
  type WireError,
} from "../errors.ts";
import { MAIN_LANE } from "../lanes/lane.ts";
import { SESSION_ID } from "../wire/frame.ts";
import * as Control from "./control.ts";
import type { Mux } from "./mux.ts";
import { NO_REASON, type Stream } from "./stream.ts";

/** Remove a stream whose halves are both over. */
export function settle(mux: Mux, stream: Stream): void {
  const { receive, send } = stream;
  const heard = receive.ended || (receive.finished && receive.error !== undefined);
  if (!heard || (!send.finished && !send.closed) || !(stream.local || stream.released)) return;
  const told = send.closed ? mux.table.remove(stream) : mux.table.vacate(stream);
  if (told) mux.sessionWindowDue();
}

/** End both halves here, without telling the peer. */
export function endStream(mux: Mux, stream: Stream, error: StreamError): void {
  const { receive, send } = stream;
  const sending = !send.closed;
  mux.dropUnsent(stream);
  stream.failure ??= error;
  if (sending) mux.emit({ kind: "stopped", stream, error });
  // What arrived whole can still be read.
  if (receive.finished) return;
  receive.error = error;
  receive.finished = true;
  mux.dropUnread(stream);
  mux.emitReadable(stream);
}

/**
 * The peer gives up sending.
 * @param final - position up to which it had sent
 * @throws {ProtocolError} `ERR_FLOW` when more has come than that.
 */
export function endedByReset(mux: Mux, stream: Stream, code: ErrorName, final: number, reason: string): void {
  const { receive } = stream;
  const missing = final - receive.window.received;
  if (missing < 0)
    throw new ProtocolError(
      "ERR_FLOW",
      `Cannot reset stream at ${final}: ${receive.window.received} bytes came`,
    );
  receive.window.receive(missing);
  mux.window.receive(missing);
  receive.finished = true;
  mux.dropUnread(stream);
  if (!receive.discarding) {
    receive.error = new StreamError(code, reason === "" ? `Stream was reset by the peer: ${code}` : reason);
    mux.emitReadable(stream);
  }
  settle(mux, stream);
}

/** The peer does not want to read on. */
export function endedByStop(mux: Mux, stream: Stream, code: ErrorName, reason: string): void {
  const error = new StreamError(code, reason === "" ? `Stream was stopped by the peer: ${code}` : reason);
  stream.failure = error;
  stream.resetReason = NO_REASON;
  const { finished } = stream.send;
  mux.dropUnsent(stream);
  // With FIN under way no RESET is needed, unless the connection is lost before it arrives; on a lane of its own, a
  // PING does not prove that it has.
  if (finished && stream.lane === MAIN_LANE) mux.told.add(stream, Control.RESET);
  else mux.control(stream, Control.RESET);
  mux.emit({ kind: "stopped", stream, error });
  settle(mux, stream);
}

/** What nothing can be opened with when the session is over. */
export function endError(cause: WireError | undefined): StreamError {
  return new StreamError(cause?.code ?? "ERR_GOING_AWAY", cause?.message ?? "Session was closed", { cause });
}

/** What a stream ends with when its session does, with what is known of its progress. */
export function lostError(stream: Stream, cause: WireError | undefined): StreamLostError {
  const { receive, send } = stream;
  const progress: StreamProgress = {
    opened: !stream.local || stream.id !== SESSION_ID,
    sentBytes: send.sent,
    consumedBytes: send.acked,
    unsentBytes: send.unsent,
    receivedBytes: receive.window.received,
  };
  const { code, message } = endError(cause);
  return new StreamLostError(code, message, progress, { cause });
}
