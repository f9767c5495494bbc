import { type StreamError, wireCode } from "../errors.ts";
import type { Told } from "../resume/told.ts";
import * as Control from "../streams/control.ts";
import type { Stream } from "../streams/stream.ts";
import { MAX_HEADER_BYTES } from "../wire/frame.ts";
import * as FrameType from "../wire/frame-type.ts";
import { encodeReason, MAX_REASON_BYTES } from "../wire/reason.ts";
import type { RecordWriter } from "../wire/record-writer.ts";
import { varintBytes } from "../wire/varint.ts";

/** Room that a control frame needs beyond its reason. */
export const CONTROL_BYTES: number = MAX_HEADER_BYTES + 24;

/** Room that all control frames of one stream need together. */
export const STREAM_CONTROL_BYTES: number = 3 * CONTROL_BYTES + 2 * MAX_REASON_BYTES;

/** Write the WINDOW of a stream while it has a use: what was consumed, and up to where the peer may send. */
export function writeCredit(into: RecordWriter, { id, receive }: Stream): void {
  const { discarding, finished, window } = receive;
  if (finished || discarding) return;
  const { consumed, limit } = window;
  window.told = consumed;
  into.frame(FrameType.WINDOW, 0, id, varintBytes(consumed) + varintBytes(limit));
  into.varint(consumed);
  into.varint(limit);
}

/**
 * Write the control frames that a stream has to send; it has none after that.
 * @param alone - it is the only stream
 */
export function writeStreamControl(
  into: RecordWriter,
  stream: Stream,
  told: Told,
  now: number,
  roundTripMs: number,
  alone: boolean,
): void {
  const { control, id, receive, send } = stream;
  stream.control = 0;
  if (!stream.compress) into.plain = true;
  if ((control & Control.WINDOW) !== 0) {
    receive.window.grant(now, roundTripMs, false, alone ? 8 : 2);
    writeCredit(into, stream);
  }
  if ((control & Control.LANE) !== 0 && !receive.finished) into.frame(FrameType.LANE, 0, id, 0);
  if ((control & Control.STOP) !== 0) {
    const { code, message } = receive.error as StreamError;
    const reason = encodeReason(message);
    into.frame(FrameType.STOP, 0, id, varintBytes(wireCode(code)) + reason.length);
    into.varint(wireCode(code));
    into.put(reason);
    told.add(stream, Control.STOP);
  }
  if ((control & Control.RESET) !== 0) {
    const { code, message } = stream.resetReason;
    const reason = encodeReason(message);
    into.frame(FrameType.RESET, 0, id, varintBytes(wireCode(code)) + varintBytes(send.sent) + reason.length);
    into.varint(wireCode(code));
    into.varint(send.sent);
    into.put(reason);
    told.add(stream, Control.RESET);
  }
}
