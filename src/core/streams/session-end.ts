import { StreamError, StreamLostError, type StreamProgress, type WireError } from "../errors.ts";
import { SESSION_ID } from "../wire/frame.ts";
import type { Stream } from "./stream.ts";

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
