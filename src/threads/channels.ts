import type { Format } from "../channels/format.ts";
import { isLeft, isOpened, type LentChannel, lend } from "../channels/lent.ts";
import {
  abandonChannel,
  type EndOptions,
  openReceiver as openReceiverOn,
  openSender as openSenderOn,
} from "../channels/open.ts";
import type { ChannelReceiver } from "../channels/receiver.ts";
import type { ChannelSender } from "../channels/sender.ts";
import { SYSTEM_CLOCK } from "../transports/drive.ts";
import { holdLock, newLockName, onLockLetGo } from "./lent-lock.ts";
import { onTerminate } from "./terminate.ts";
import type { WorkerLike } from "./worker.ts";

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
export type { LentChannel } from "../channels/lent.ts";
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
 * @param channel - of `createChannel`, in this thread or another one, or of {@link lendChannel} in the thread it is for
 * @param format - the one that the channel was made with
 * @throws {ProtocolError} when the memory holds no channel.
 * @throws {StateError} when its format is another one, or all senders are open already.
 */
export function openSender<T>(
  channel: SharedArrayBuffer | LentChannel,
  format: Format<T>,
  options?: EndOptions,
): ChannelSender<T> {
  if ("lock" in channel) holdLock(channel);
  return openSenderOn(channel, format, RUNTIME, options);
}

/** Open a receiving end: once for each receiver that the channel was made for. Throws as {@link openSender} does. */
export function openReceiver<T>(
  channel: SharedArrayBuffer | LentChannel,
  format: Format<T>,
  options?: EndOptions,
): ChannelReceiver<T> {
  if ("lock" in channel) holdLock(channel);
  return openReceiverOn(channel, format, RUNTIME, options);
}

/** What tells of the end of a worker: a `Worker` of Node has events of its own, one of the web those of `EventTarget`. */
interface EndingWorker extends WorkerLike {
  once?(event: "exit", listener: () => void): unknown;
}

/**
 * Lend a channel to a worker, and hear of the worker's end. Post the result in place of the memory; the worker opens its
 * ends of it. When the worker ends and has not opened any end, or has not closed one, the channel is abandoned: what was
 * sent is received, then all other ends get `ERR_PEER_GONE`, and whoever sleeps is woken.
 *
 * Told is the thread that calls this, by its event loop: while it blocks, it hears nothing, so it should block with
 * `timeoutMs`. Node, Deno and Bun tell of each end of a `Worker` of `node:worker_threads`. In a browser, `terminate()` of this
 * `Worker` object counts, and failing to start does; that a Worker has closed itself or crashed is told by a Web Lock that
 * it holds from the first turn of its event loop on after it has opened an end, where there are locks (secure contexts)
 * and `Atomics.waitAsync`. An error that nobody catches ends no Worker of a browser.
 * @throws {ProtocolError} when the memory holds no channel.
 */
export function lendChannel(memory: SharedArrayBuffer, worker: WorkerLike): LentChannel {
  const ending: EndingWorker = worker;
  const lent = lend(memory, ending.once === undefined ? newLockName() : undefined);
  const onEnd = (): void => {
    if (!isLeft(lent)) abandonChannel(memory);
  };
  if (ending.once !== undefined) ending.once("exit", onEnd);
  else if (worker instanceof EventTarget) {
    onTerminate(worker, onEnd);
    worker.addEventListener("close", onEnd); // of Bun
    worker.addEventListener("error", () => {
      if (!isOpened(lent)) abandonChannel(memory);
    });
    onLockLetGo(lent, onEnd).catch(() => {}); // a page that is left refuses
  }
  return lent;
}
