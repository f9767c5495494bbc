import type { Format } from "../channels/format.ts";
import {
  type EndOptions,
  openReceiver as openReceiverOn,
  openSender as openSenderOn,
} from "../channels/open.ts";
import type { ChannelReceiver } from "../channels/receiver.ts";
import type { ChannelSender } from "../channels/sender.ts";
import { SYSTEM_CLOCK } from "../transports/drive.ts";

export type { Abortable, SignalLike } from "../channels/abort.ts";
export {
  type CodedFormat,
  coded,
  DEFAULT_MAX_BYTES,
  type FixedFormat,
  type Format,
  fixedBytes,
  type RecordMemory,
} from "../channels/format.ts";
export type { ChannelKind } from "../channels/layout.ts";
export type { Lease, ReceiveLease, SendLease } from "../channels/lease.ts";
export {
  abandonChannel,
  type ChannelOptions,
  createChannel,
  DEFAULT_CAPACITY,
  DEFAULT_CAPACITY_BYTES,
  type EndOptions,
} from "../channels/open.ts";
export type { ChannelReceiver } from "../channels/receiver.ts";
export type { ChannelSender } from "../channels/sender.ts";
export type { ChannelStats } from "../channels/stats.ts";
export {
  type FieldKind,
  type FieldValues,
  type StructFields,
  type StructOf,
  struct,
} from "../channels/struct.ts";
export type { BlockingOptions, Doorbell } from "../channels/wait.ts";

const RUNTIME = { timers: SYSTEM_CLOCK };

/**
 * Open a sending end: once for each sender that the channel was made for.
 * @param buffer - of `createChannel`, in this thread or another one
 * @param format - the one that the channel was made with
 * @throws {ProtocolError} when the memory holds no channel.
 * @throws {StateError} when its format is another one, or all senders are open already.
 */
export function openSender<T>(
  buffer: SharedArrayBuffer,
  format: Format<T>,
  options?: EndOptions,
): ChannelSender<T> {
  return openSenderOn(buffer, format, RUNTIME, options);
}

/** Open a receiving end: once for each receiver that the channel was made for. Throws as {@link openSender} does. */
export function openReceiver<T>(
  buffer: SharedArrayBuffer,
  format: Format<T>,
  options?: EndOptions,
): ChannelReceiver<T> {
  return openReceiverOn(buffer, format, RUNTIME, options);
}
