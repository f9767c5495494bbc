import { randomFillSync } from "node:crypto";
import { Socket } from "node:net";
import type { Bytes } from "../core/bytes.ts";
import { mask } from "./ws-mask.ts";
import type { WsSocket } from "./ws-transport.ts";

// Source of all numbers: RFC 6455, section 5.2.
const BINARY = 2;
const FIN = 0x80;
const MASKED = 0x80;
const TWO_BYTES_FOLLOW = 126;
const EIGHT_BYTES_FOLLOW = 127;

/** From here on the addon of `ws` masks faster than a loop in JavaScript, and is worth a header of its own. */
const LEAST_ADDON_BYTES = 4_096;

/** Called when the kernel has a message, or with why it may not have it. */
export type Done = (error?: Error | null) => void;

/** Writes binary messages in front of which `FRONT_BYTES` are free, and changes both. */
export interface FrameWriter {
  /** Send a message. */
  write(message: Bytes, done: Done): void;
  /** Send one message that lies in two places, of which the second stays as it is. Missing where it must be masked. */
  writeParts?(head: Bytes, tail: Bytes, done: Done): void;
}

/** What `ws` makes frames of, in place. */
interface FrameOptions {
  readonly fin: true;
  readonly mask: true;
  readonly maskBuffer?: Uint8Array | undefined;
  readonly opcode: number;
  readonly readOnly: false;
  readonly rsv1: false;
}

/** The sender of a socket of `ws` 8, which writes a list of one or two as it is. */
interface Sender {
  readonly constructor: { frame?(message: Bytes, options: FrameOptions): Uint8Array[] };
  readonly _maskBuffer?: Uint8Array;
  readonly _generateMask?: unknown;
  sendFrame?(list: readonly Uint8Array[], done: Done): void;
}

type WritingSender = Sender & Required<Pick<Sender, "sendFrame">>;

/**
 * Writes frames of a socket of `ws` as its own `send` does, but without a copy, with the header in front of the message:
 * one write for both, instead of two that are joined again. `ws` still writes all other frames.
 * @returns `undefined` where `ws` is not as expected, or not over a socket of `node:net`: use `send`. Another stream may
 *   say that it has written what its reader has yet to take, and memory that was written is used again.
 */
export function frameWriter(socket: WsSocket): FrameWriter | undefined {
  const fields = socket as unknown as {
    readonly _isServer?: boolean;
    readonly _sender?: Sender;
    readonly _socket?: unknown;
  };
  const sender = fields._sender;
  // With an extension there may be messages of others that wait for their compression.
  if (!(fields._socket instanceof Socket) || socket.extensions !== "") return undefined;
  if (sender?.sendFrame === undefined) return undefined;
  if (fields._isServer === true) return new ServerWriter(sender as WritingSender);
  const isPlain = fields._isServer === false && sender._generateMask === undefined;
  return isPlain && sender.constructor.frame !== undefined
    ? new ClientWriter(sender as WritingSender)
    : undefined;
}

class ServerWriter implements FrameWriter {
  readonly #sender: WritingSender;

  constructor(sender: WritingSender) {
    this.#sender = sender;
  }

  write(message: Bytes, done: Done): void {
    this.#sender.sendFrame([withHeader(message, message.length, undefined)], done);
  }

  writeParts(head: Bytes, tail: Bytes, done: Done): void {
    this.#sender.sendFrame([withHeader(head, head.length + tail.length, undefined), tail], done);
  }
}

/** A client must mask what it sends (RFC 6455, section 5.3). `ws` does that in a copy: it cannot know whose bytes they are. */
class ClientWriter implements FrameWriter {
  readonly #sender: WritingSender;
  readonly #options: FrameOptions;

  constructor(sender: WritingSender) {
    this.#sender = sender;
    this.#options = {
      fin: true,
      mask: true,
      maskBuffer: sender._maskBuffer,
      opcode: BINARY,
      readOnly: false,
      rsv1: false,
    };
  }

  write(message: Bytes, done: Done): void {
    const sender = this.#sender;
    if (message.length >= LEAST_ADDON_BYTES) {
      sender.sendFrame(sender.constructor.frame?.(message, this.#options) ?? [], done);
      return;
    }
    const key = nextKey();
    mask(message, key);
    sender.sendFrame([withHeader(message, message.length, key)], done);
  }
}

/** Random numbers, many at a time. A key must be new for each frame, and nobody may guess it (RFC 6455, section 5.3). */
const keys: Uint32Array<ArrayBuffer> = new Uint32Array(2_048);
let keysUsed = keys.length;

function nextKey(): number {
  if (keysUsed === keys.length) {
    randomFillSync(keys);
    keysUsed = 0;
  }
  return keys[keysUsed++] as number;
}

/** Write the header of a message of `length` bytes in front of the first of them. @returns both */
function withHeader(message: Bytes, length: number, key: number | undefined): Buffer {
  const lengthBytes = length < TWO_BYTES_FOLLOW ? 0 : length < 65_536 ? 2 : 8;
  const headerBytes = 2 + lengthBytes + (key === undefined ? 0 : 4);
  const { buffer, byteOffset } = message;
  const frame = Buffer.from(buffer, byteOffset - headerBytes, headerBytes + message.length);
  frame[0] = FIN | BINARY;
  frame[1] = lengthBytes === 0 ? length : lengthBytes === 2 ? TWO_BYTES_FOLLOW : EIGHT_BYTES_FOLLOW;
  if (lengthBytes === 2) frame.writeUInt16BE(length, 2);
  else if (lengthBytes === 8) frame.writeBigUInt64BE(BigInt(length), 2);
  if (key !== undefined) {
    frame[1] |= MASKED;
    frame.writeUInt32BE(key, headerBytes - 4);
  }
  return frame;
}
