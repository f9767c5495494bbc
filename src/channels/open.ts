import { type ErrorName, StateError } from "../core/errors.ts";
import { ByteConsumer, ByteProducer } from "./byte-ring.ts";
import { type CodedFormat, type FixedFormat, type Format, type RecordMemory, viewsOf } from "./format.ts";
import { ByteInlet, CodedInlet, FixedInlet, type Inlet } from "./inlet.ts";
import {
  bytesOf,
  CELL_BYTES,
  type ChannelKind,
  isEndCount,
  type Layout,
  LENGTH_BYTES,
  longestRecord,
  MOST_BYTES,
  MOST_ENDS,
  readLayout,
  writeLayout,
} from "./layout.ts";
import type { LentChannel } from "./lent.ts";
import { MpmcConsumer, MpmcProducer } from "./mpmc.ts";
import { MpscConsumer, MpscProducer } from "./mpsc.ts";
import { ByteOutlet, CodedOutlet, FixedOutlet, type Outlet } from "./outlet.ts";
import { BytePeek, type RecordPeek, SlotPeek } from "./peek.ts";
import { ChannelReceiver } from "./receiver.ts";
import type { SlotConsumer, SlotProducer } from "./ring.ts";
import { ChannelSender, type EndParts } from "./sender.ts";
import { SpscConsumer, SpscProducer } from "./spsc.ts";
import { ChannelState } from "./state.ts";
import type { Doorbell, Timers } from "./wait.ts";

/** What a channel is to be. */
export interface ChannelOptions<T> {
  /** Who may use it. Default `spsc`: one sender, one receiver, the fastest. */
  readonly kind?: ChannelKind;
  /** How messages lie in it. */
  readonly format: Format<T>;
  /** Most messages that wait, a power of two from 2 on. Default 1,024. Not for coded messages in an `spsc` channel. */
  readonly capacity?: number;
  /** Size of the ring of coded messages in an `spsc` channel, bytes, a power of two. Default 64 KiB, or more where `maxBytes` needs it. */
  readonly capacityBytes?: number;
  /** How many senders there will be (mpsc, mpmc); the channel ends when all of them have closed. Default 1. */
  readonly senders?: number;
  /** How many receivers there will be (mpmc). Default 1. */
  readonly receivers?: number;
  /** Position of the first record: to test what happens when positions wrap. Default 0. */
  readonly start?: number;
}

/** The sizes of a channel that is made without them. */
export const DEFAULT_CAPACITY = 1_024;
/** Size of a ring of bytes that is made without one. */
export const DEFAULT_CAPACITY_BYTES = 65_536;

/** What the runtime lends the ends of channels. */
export interface ChannelRuntime {
  readonly timers: Timers;
}

/** How an end is opened. */
export interface EndOptions {
  /** Wakes the other side, and this one, where a thread can not sleep on shared memory at all. */
  readonly doorbell?: Doorbell;
}

/**
 * Make the memory of a channel. Post it to other threads; each opens its end of it.
 * @throws {RangeError} when a size is out of its bounds.
 * @throws {StateError} where there is no shared memory: in a page that is not cross-origin isolated.
 */
export function createChannel<T>(options: ChannelOptions<T>): SharedArrayBuffer {
  const layout = layoutOf(options);
  if (typeof SharedArrayBuffer === "undefined") {
    throw new StateError("Cannot make channel: no shared memory here, the page is not cross-origin isolated");
  }
  const buffer = new SharedArrayBuffer(bytesOf(layout));
  writeLayout(buffer, layout);
  return buffer;
}

function layoutOf<T>(options: ChannelOptions<T>): Layout {
  const { kind = "spsc", format, senders = 1, receivers = 1, start = 0 } = options;
  const slotBytes = slotBytesOf(kind, format);
  if (!(Number.isInteger(slotBytes) && slotBytes >= 1 && slotBytes <= MOST_BYTES / 4)) {
    throw new RangeError(`Cannot make channel: messages of ${slotBytes} bytes`);
  }
  if (!isEndCount(senders, kind !== "spsc") || !isEndCount(receivers, kind === "mpmc")) {
    throw new RangeError(
      `Cannot make ${kind} channel: ${senders} senders and ${receivers} receivers, of at most ${MOST_ENDS}`,
    );
  }
  const ends = { kind, slotBytes, senders, receivers, start: start | 0 };
  if (kind === "spsc" && format.style === "coded") {
    const needed = 2 ** Math.ceil(Math.log2(2 * (slotBytes + 4)));
    const capacity = options.capacityBytes ?? Math.max(DEFAULT_CAPACITY_BYTES, needed);
    checkCapacity(capacity, 1);
    if (slotBytes > longestRecord(capacity)) {
      throw new RangeError(`Cannot make channel: messages of ${slotBytes} bytes in a ring of ${capacity}`);
    }
    return { ...ends, style: "bytes", capacity, stride: 1, start: ends.start & ~3 };
  }
  const capacity = options.capacity ?? DEFAULT_CAPACITY;
  const stride = (slotBytes + (kind === "spsc" ? 0 : CELL_BYTES) + 7) & ~7;
  checkCapacity(capacity, stride);
  return { ...ends, style: "slots", capacity, stride };
}

/** Longest record of a format in a channel. In slots, the length of a coded message counts: a ring of bytes has its own. */
function slotBytesOf<T>(kind: ChannelKind, format: Format<T>): number {
  if (format.style === "fixed") return format.bytes;
  return kind === "spsc" ? format.maxBytes : format.maxBytes + LENGTH_BYTES;
}

function checkCapacity(capacity: number, stride: number): void {
  const isPowerOfTwo = Number.isInteger(Math.log2(capacity));
  if (isPowerOfTwo && capacity >= 2 && capacity * stride <= MOST_BYTES) return;
  throw new RangeError(`Cannot make channel: capacity ${capacity} is no power of two, or too large`);
}

/**
 * Open a sending end: once for each sender that the channel was made for.
 * @param format - the one that the channel was made with
 * @throws {ProtocolError} when the memory holds no channel, or one of another format.
 * @throws {StateError} when all senders are open already.
 */
export function openSender<T>(
  channel: SharedArrayBuffer | LentChannel,
  format: Format<T>,
  runtime: ChannelRuntime,
  options: EndOptions = {},
): ChannelSender<T> {
  const { layout, parts, control } = openEnd(channel, format, runtime, options);
  parts.state.open("sender");
  const { memory } = parts;
  if (layout.style === "bytes") {
    const ring = new ByteProducer(control, layout);
    return new ChannelSender(parts, new ByteOutlet(ring, format as CodedFormat<T>, memory), undefined);
  }
  const ring = producerOf(control, layout);
  return new ChannelSender(
    parts,
    outletOf(ring, format, memory, layout),
    format.style === "fixed" ? ring : undefined,
  );
}

function producerOf(control: Int32Array, layout: Layout): SlotProducer {
  switch (layout.kind) {
    case "spsc":
      return new SpscProducer(control, layout);
    case "mpsc":
      return new MpscProducer(control, layout);
    case "mpmc":
      return new MpmcProducer(control, layout);
  }
}

function outletOf<T>(ring: SlotProducer, format: Format<T>, memory: RecordMemory, layout: Layout): Outlet<T> {
  return format.style === "fixed"
    ? new FixedOutlet(ring, format, memory, layout.stride)
    : new CodedOutlet(ring, format, memory, layout.stride);
}

/**
 * Open a receiving end: once for each receiver that the channel was made for. Throws as {@link openSender} does.
 * @param format - the one that the channel was made with
 */
export function openReceiver<T>(
  channel: SharedArrayBuffer | LentChannel,
  format: Format<T>,
  runtime: ChannelRuntime,
  options: EndOptions = {},
): ChannelReceiver<T> {
  const { layout, parts, control } = openEnd(channel, format, runtime, options);
  parts.state.open("receiver");
  const { inlet, peek } = inletOf(control, format, parts.memory, layout);
  return new ChannelReceiver(parts, inlet, peek);
}

function inletOf<T>(
  control: Int32Array,
  format: Format<T>,
  memory: RecordMemory,
  layout: Layout,
): { readonly inlet: Inlet<T>; readonly peek: RecordPeek } {
  if (layout.style === "bytes") {
    const ring = new ByteConsumer(control, layout);
    return { inlet: new ByteInlet(ring, format as CodedFormat<T>, memory), peek: new BytePeek(ring) };
  }
  const ring = consumerOf(control, layout);
  const inlet =
    format.style === "fixed"
      ? new FixedInlet(ring, format as FixedFormat<T>, memory, layout.stride)
      : new CodedInlet(ring, format, memory, layout.stride);
  return { inlet, peek: new SlotPeek(ring, memory, layout, format.style === "coded") };
}

function consumerOf(control: Int32Array, layout: Layout): SlotConsumer {
  switch (layout.kind) {
    case "spsc":
      return new SpscConsumer(control, layout);
    case "mpsc":
      return new MpscConsumer(control, layout);
    case "mpmc":
      return new MpmcConsumer(control, layout);
  }
}

/**
 * Tell all ends of a channel that one of its threads has ended: what was sent is still received, then every end gets
 * `ERR_PEER_GONE`. Threads that are blocked or wait are woken. Any thread that has the memory may call this.
 * @param code - what the ends are told instead
 */
export function abandonChannel(buffer: SharedArrayBuffer, code: ErrorName = "ERR_PEER_GONE"): void {
  new ChannelState(new Int32Array(buffer), readLayout(buffer), undefined).fail(code);
}

function openEnd<T>(
  channel: SharedArrayBuffer | LentChannel,
  format: Format<T>,
  runtime: ChannelRuntime,
  { doorbell }: EndOptions,
): { readonly layout: Layout; readonly parts: EndParts; readonly control: Int32Array } {
  const isWhole = channel instanceof SharedArrayBuffer;
  const buffer = isWhole ? channel : channel.memory;
  const layout = readLayout(buffer);
  const bytes = slotBytesOf(layout.kind, format);
  const isBytes = layout.kind === "spsc" && format.style === "coded";
  if (layout.slotBytes !== bytes || (layout.style === "bytes") !== isBytes) {
    throw new StateError(
      `Cannot open channel: it has ${layout.style} of ${layout.slotBytes} bytes, the format ${bytes}`,
    );
  }
  const control = new Int32Array(buffer);
  const state = new ChannelState(control, layout, doorbell, isWhole ? undefined : channel.ends);
  const { timers } = runtime;
  const parts = { state, layout, memory: viewsOf(buffer), timers, doorbell };
  return { layout, parts, control };
}
