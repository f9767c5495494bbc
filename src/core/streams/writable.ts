import { SESSION_ID } from "../wire/frame.ts";
import type { Mux } from "./mux.ts";
import type { Stream } from "./stream.ts";

/** One message of a stream that is open may always wait: streams that are blocked must not block the others. */
function mayQueue(mux: Mux, stream: Stream, mostBytes: number): boolean {
  const { send } = stream;
  return (
    send.acceptable && (mux.outbox.queuedBytes < mostBytes || (send.unsent === 0 && stream.id !== SESSION_ID))
  );
}

/** Whether a message of a stream may be queued; if not, it hears when it may. */
export function requestWritable(mux: Mux, stream: Stream): boolean {
  if (mayQueue(mux, stream, mux.limits.maxQueuedBytes)) return true;
  stream.wantsWritable = true;
  mux.waiting ??= new Set();
  mux.waiting.add(stream);
  return false;
}

/** Tell a stream that was refused that it may try again, if it may. @param mostBytes - what may wait in all */
export function offerWritable(mux: Mux, stream: Stream, mostBytes: number): void {
  if (!stream.wantsWritable || !mayQueue(mux, stream, mostBytes)) return;
  stream.wantsWritable = false;
  mux.waiting?.delete(stream);
  mux.emit({ kind: "writable", stream });
}

/** Tell all those that were refused, once there is room for more than one message. */
export function offerAllWritable(mux: Mux): void {
  if (mux.waiting === undefined) return;
  for (const stream of mux.waiting) offerWritable(mux, stream, mux.limits.maxQueuedBytes / 2);
}
