import {
  type ChannelKind,
  type CodedFormat,
  coded,
  type FixedFormat,
  type Format,
  type LentChannel,
} from "tideway/channels";

/** A message: its number, and a canary that follows from it. */
export interface Numbered {
  readonly number: number;
  readonly canary: number;
}

/** The message of a number. */
export function numbered(number: number): Numbered {
  return { number, canary: Math.imul(number + 1, 0x9e37_79b1) >>> 0 };
}

/** Called in the middle of each message that is written or read. */
export interface Hooks {
  onWrite(): void;
  onRead(): void;
}

const NO_HOOKS: Hooks = { onWrite: () => {}, onRead: () => {} };

/** How messages lie in the channel. */
export type Style = "fixed" | "coded";

/** A format that calls hooks while it has written or read one half of a message. */
export function formatOf(style: Style, hooks: Hooks = NO_HOOKS): Format<Numbered> {
  return style === "fixed" ? fixed(hooks) : coding(hooks);
}

function fixed({ onWrite, onRead }: Hooks): FixedFormat<Numbered> {
  return {
    style: "fixed",
    bytes: 8,
    write({ u32 }, at, { number, canary }) {
      u32[at >> 2] = number;
      onWrite();
      u32[(at >> 2) + 1] = canary;
    },
    read({ u32 }, at) {
      const number = u32[at >> 2] as number;
      onRead();
      return { number, canary: u32[(at >> 2) + 1] as number };
    },
  };
}

/** From 8 bytes on, as many as the canary says: more than one record of a ring of bytes wraps. */
function coding({ onWrite, onRead }: Hooks): CodedFormat<Numbered> {
  const codec = {
    name: "numbered",
    encode({ number, canary }: Numbered): Uint8Array<ArrayBuffer> {
      const bytes = new Uint8Array(8 + (canary % 20));
      new DataView(bytes.buffer).setUint32(0, number);
      onWrite();
      new DataView(bytes.buffer).setUint32(4, canary);
      return bytes;
    },
    decode(bytes: Uint8Array<ArrayBuffer>): Numbered {
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
      onRead();
      const canary = view.getUint32(4);
      return { number: view.getUint32(0), canary: bytes.length === 8 + (canary % 20) ? canary : -1 };
    },
  };
  return coded(codec, 28);
}

/** What the victim is at when its thread ends. */
export const OPERATIONS = {
  send: ["trySend", "trySendBatch", "sendLease", "sendBlocking", "send"],
  receive: ["tryReceive", "tryReceiveBatch", "receiveLease", "receiveBlocking", "receive"],
} as const;
export type Operation = (typeof OPERATIONS)["send" | "receive"][number];

/**
 * Where in its operation the thread ends: in front of an atomic step, in front of the first call of one of the methods
 * that put a thread to sleep, in the middle of a message, of a lease, or asleep.
 */
export type Stop =
  | { readonly at: "step"; readonly step: number }
  | { readonly at: "call"; readonly name: "or" | "wait" }
  | { readonly at: "message"; readonly message: number }
  | { readonly at: "lease" }
  | { readonly at: "asleep" };

/** A state of the ring in which a thread ends. */
export interface KillState {
  readonly kind: ChannelKind;
  readonly style: Style;
  readonly operation: Operation;
  readonly stop: Stop;
}

/** What the thread that is ended is given. */
export interface VictimJob {
  readonly role: "victim";
  readonly state: KillState;
  readonly channel: LentChannel;
  /** First word: {@link STOPPED} when the thread stands where it is to end, {@link OVER} when its operation is over. */
  readonly signal: SharedArrayBuffer;
  /** Messages that it sends before its operation. */
  readonly before: number;
}

/** What a thread that lives on is given: it blocks until it is told. */
export interface SurvivorJob {
  readonly role: "survivor";
  readonly side: "send" | "receive";
  readonly style: Style;
  readonly channel: LentChannel | SharedArrayBuffer;
}

/** What a thread that ends by itself is given. */
export interface LeaverJob {
  readonly role: "leaver";
  readonly channel: LentChannel;
  /** How it goes: with its end closed, without that, or before it has opened one. */
  readonly way: "in order" | "exits" | "throws" | "opens nothing";
}

/** What became of it. */
export interface Fate {
  /** Messages that it has received. */
  readonly seen: readonly Numbered[];
  /** How it ended: the code of the error, or "end". */
  readonly end: string;
}

/** What the victim says of itself. */
export const STOPPED = 1;
export const OVER = 2;

/** Slots of each ring, or words of a ring of bytes. */
export const CAPACITY = 8;
/** Messages of a batch. */
export const BATCH = 4;

/** Whether an operation sends. */
export function isSending(operation: Operation): boolean {
  return (OPERATIONS.send as readonly string[]).includes(operation);
}
