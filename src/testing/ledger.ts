import type { Bytes } from "../core/bytes.ts";
import type { ErrorName } from "../core/errors.ts";
import type { Stream } from "../core/streams/stream.ts";
import type { Role } from "../core/streams/stream-table.ts";
import { Random } from "./random.ts";

/** Bytes of random content that messages are cut from: a power of two. */
const CONTENT_BYTES = 65_536;

/** A message of this length or more begins with its half, its place in it and a checksum of those. */
const HEADER_BYTES = 12;

/** The random content, and again its first bytes, so that a word can be read at any place of it. */
const content: Bytes = new Random(20_240_229).bytes(CONTENT_BYTES + 4);
content.copyWithin(CONTENT_BYTES, 0, 4);
const contentView = new DataView(content.buffer);

/** Bytes from which on a view of a message costs less than it saves. */
const VIEW_BYTES = 64;

/** A message that was planned: its length, and where in the random content it begins. */
export interface Message {
  readonly length: number;
  readonly from: number;
}

/** One direction of a stream: what its sender has sent, and how far its reader has come. */
export class Half {
  /** Tells halves apart, in messages and in reports. */
  readonly number: number;
  readonly sender: Role;
  readonly messages: Message[] = [];
  /** Messages that were read. */
  read = 0;
  /** The sender has called `finish`, with this header in the trailer; "" for none. */
  finished = false;
  trailer = "";
  /** How the half ended for its sender, and for its reader. */
  sending: "open" | "delivered" | "reset" | "stopped" = "open";
  reading: "open" | "ended" | "failed" | "stopped" = "open";
  /** Codes that the sender's `reset` and the reader's `stop` carried. */
  resetCode: ErrorName | undefined;
  stopCode: ErrorName | undefined;
  /** Codes that the sender and the reader were told. */
  sendError: ErrorName | undefined;
  readError: ErrorName | undefined;

  constructor(number: number, sender: Role) {
    this.number = number;
    this.sender = sender;
  }

  /** Bytes of message `index`, if it were `message`. */
  encode(index: number, message: Message): Bytes {
    const bytes = contentFrom(message);
    if (bytes.length >= HEADER_BYTES) {
      writeWord(bytes, 0, this.number);
      writeWord(bytes, 4, index);
      writeWord(bytes, 8, this.#sum(index, message));
    }
    return bytes;
  }

  /** What is wrong with `bytes`, which should be the next message; `undefined` when it is. */
  check(bytes: Bytes): string | undefined {
    const message = this.messages[this.read];
    if (message === undefined) return `message ${this.read} of ${bytes.length} bytes was never sent`;
    if (bytes.length !== message.length)
      return `message ${this.read} has ${bytes.length} bytes instead of ${message.length}`;
    const headerBytes = bytes.length >= HEADER_BYTES ? HEADER_BYTES : 0;
    if (headerBytes > 0 && !this.#hasHeader(bytes, message)) {
      const found = [0, 4, 8].map((at) => readWord(bytes, at)).join(" ");
      return `message ${this.read} has header ${found}: it is another one`;
    }
    const at = firstDifference(bytes, headerBytes, message.from);
    return at < bytes.length ? `message ${this.read} differs at byte ${at}` : undefined;
  }

  #hasHeader(bytes: Bytes, message: Message): boolean {
    return (
      readWord(bytes, 0) === this.number &&
      readWord(bytes, 4) === this.read &&
      readWord(bytes, 8) === this.#sum(this.read, message)
    );
  }

  #sum(index: number, message: Message): number {
    const place = Math.imul(this.number * 31 + index, 0x9e3779b1);
    return (place ^ Math.imul(message.length + message.from, 0x85ebca6b)) >>> 0;
  }
}

function contentFrom({ from, length }: Message): Bytes {
  const bytes: Bytes = new Uint8Array(length);
  for (let at = 0, start = from; at < length; start = 0) {
    const part = content.subarray(start, Math.min(CONTENT_BYTES, start + length - at));
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** @returns the first byte from `at` on that is not that of the content from `from` on; the length when all are. */
function firstDifference(bytes: Bytes, start: number, from: number): number {
  const mask = CONTENT_BYTES - 1;
  const { length } = bytes;
  let at = start;
  if (length >= VIEW_BYTES) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, length);
    const end = length - 4;
    while (at <= end && view.getInt32(at, true) === contentView.getInt32((from + at) & mask, true)) at += 4;
  }
  while (at < length && bytes[at] === content[(from + at) & mask]) at++;
  return at;
}

function writeWord(bytes: Bytes, at: number, word: number): void {
  for (let i = 0; i < 4; i++) bytes[at + i] = word >>> (i * 8);
}

function readWord(bytes: Bytes, at: number): number {
  let word = 0;
  for (let i = 0; i < 4; i++) word |= (bytes[at + i] as number) << (i * 8);
  return word >>> 0;
}

/** A stream as both applications mean it. */
export class Exchange {
  readonly number: number;
  readonly opener: Role;
  readonly name: string;
  /** Header that goes with the opening; "" for none. */
  readonly header: string;
  readonly priority: number;
  /** By sender. */
  readonly halves: Readonly<Record<Role, Half>>;
  /** Both ends; the other one once it has heard of it. */
  readonly streams: Partial<Record<Role, Stream>> = {};
  /** The other side has heard of it. */
  accepted = false;
  /** The opener took it back before it was sent. */
  withdrawn = false;
  /** Its OPEN was lost with a connection, and had to be sent again. */
  openLost = false;
  /** A message that the peer does not accept was queued before the peer had said so. */
  tooLarge = false;

  constructor(
    number: number,
    opener: Role,
    start: { readonly name: string; readonly header: string; readonly priority: number },
  ) {
    this.number = number;
    this.opener = opener;
    this.name = start.name;
    this.header = start.header;
    this.priority = start.priority;
    this.halves = { client: new Half(number * 2, "client"), server: new Half(number * 2 + 1, "server") };
  }
}

/** A random place in the content for a message of `length` bytes. */
export function drawMessage(random: Random, length: number): Message {
  return { length, from: random.int(0, CONTENT_BYTES - 1) };
}

/** The other side. */
export function otherRole(role: Role): Role {
  return role === "client" ? "server" : "client";
}
