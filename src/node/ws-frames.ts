import type { Socket } from "node:net";
import { type Bytes, concatBytes, EMPTY } from "../core/bytes.ts";
import { giveRecord, LEAST_OWN_BYTES, Parts } from "../core/parts.ts";
import { readShared } from "./shared-read.ts";
import { mask } from "./ws-mask.ts";
import type { WsSocket } from "./ws-transport.ts";

// Source of all numbers: RFC 6455, section 5.2.
const WHOLE_BINARY = 0x82;
const FIN = 0x80;
const OPCODE = 0x0f;
const FIRST_CONTROL = 8;
const MASKED = 0x80;
const LENGTH = 0x7f;
const TWO_BYTES_FOLLOW = 126;
const EIGHT_BYTES_FOLLOW = 127;
const MASK_BYTES = 4;

/** The receiver of a socket of `ws` 8: a stream to which the socket's bytes are written. */
interface Receiver {
  write(chunk: Uint8Array): boolean;
  readonly _state?: number;
  readonly _bufferedBytes?: number;
  readonly _fragmented?: number;
  readonly _maxPayload?: number;
  readonly _allowSynchronousEvents?: boolean;
  /** It has found something wrong, and reads no more. */
  readonly _errored?: boolean;
}

/** What is used of a socket of `ws` 8 besides its own interface. */
interface Fields {
  readonly _isServer?: boolean;
  readonly _closeFrameReceived?: boolean;
  readonly _receiver?: Receiver | null;
  readonly _socket?: Socket | null;
}

/**
 * Take the messages of a socket of `ws` before it does, from memory of the thread into memory that is used again: `ws`
 * makes a buffer for each read and for each message. It still has all else, once the header is here: control frames,
 * text, fragments, and whatever is wrong.
 * @param take - hears of each message. @returns false when nothing of it is held
 * @returns false where `ws` is not as expected: all messages come by its own event.
 */
export function readFrames(socket: WsSocket, take: (message: Bytes) => unknown): boolean {
  const { _receiver: receiver, _socket: carrier, _isServer } = socket as unknown as Fields;
  if (!receiver || !carrier || _isServer === undefined || socket.extensions !== "") return false;
  const isFresh = receiver._state === 0 && receiver._bufferedBytes === 0 && receiver._fragmented === 0;
  if (!isFresh || receiver._allowSynchronousEvents !== true || receiver._errored !== false) return false;
  const { push } = new FrameReader(socket as unknown as Fields, receiver, take);
  // What was read before comes as a `Buffer`, whose `slice` makes no copy.
  receiver.write = (chunk) => push(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length));
  readShared(carrier, push);
  return true;
}

/** Cuts the bytes of one socket into frames. Nothing of what it is given is kept. */
class FrameReader {
  readonly #socket: Fields;
  readonly #receiver: Receiver;
  readonly #write: (chunk: Uint8Array) => boolean;
  readonly #take: (message: Bytes) => unknown;
  /** Bit that the peer sets in each frame, or not. */
  readonly #mask: number;
  #chunk: Uint8Array = EMPTY;
  #at = 0;
  /** The chunk is a copy. */
  #copied = false;
  /** Part of a header, of which the rest is not here: nothing is known of its frame. */
  #begun: Uint8Array = EMPTY;
  /** Bytes of the message that is under way; 0 between two frames. */
  #length = 0;
  #key = 0;
  /** Those that are here, when not all are. */
  #parts: Parts | undefined;
  /** Bytes of a frame that `ws` has yet to get, and whether it waits for more fragments of a message. */
  #left = 0;
  #isFragmented = false;

  constructor(socket: Fields, receiver: Receiver, take: (message: Bytes) => unknown) {
    this.#socket = socket;
    this.#receiver = receiver;
    this.#write = receiver.write;
    this.#take = take;
    this.#mask = socket._isServer === true ? MASKED : 0;
  }

  /** Take bytes, which are only there during the call. @returns true: more may come at once. */
  readonly push = (bytes: Uint8Array): true => {
    this.#chunk =
      this.#begun.length === 0 ? bytes : concatBytes([this.#begun, bytes], this.#begun.length + bytes.length);
    this.#begun = EMPTY;
    this.#at = 0;
    this.#copied = false;
    while (this.#at < this.#chunk.length && !this.#isOver) {
      if (this.#left > 0) this.#pass();
      else if (this.#length > 0) this.#read();
      else if (!this.#readHeader()) {
        this.#begun = this.#chunk.slice(this.#at);
        break;
      }
    }
    this.#chunk = EMPTY;
    return true;
  };

  /** The peer has closed, or `ws` will. */
  get #isOver(): boolean {
    return this.#socket._closeFrameReceived === true || this.#receiver._errored === true;
  }

  /** @returns false while the header is not all here. */
  #readHeader(): boolean {
    const chunk = this.#chunk;
    const at = this.#at;
    const here = chunk.length - at;
    const [first, second] = [chunk[at] as number, chunk[at + 1] as number];
    const short = second & LENGTH;
    const isMasked = second >= MASKED;
    const lengthBytes = short < TWO_BYTES_FOLLOW ? 0 : short < EIGHT_BYTES_FOLLOW ? 2 : 8;
    const headerBytes = 2 + lengthBytes + (isMasked ? MASK_BYTES : 0);
    if (here < 2 || here < headerBytes) return false;
    const length = lengthBytes === 0 ? short : numberAt(chunk, at + 2, lengthBytes);
    if (this.#isWhole(first, second, length)) {
      this.#length = length;
      this.#at += headerBytes;
      if (isMasked) this.#key = numberAt(chunk, this.#at - MASK_BYTES, MASK_BYTES);
      return true;
    }
    this.#left = headerBytes + length;
    if ((first & OPCODE) < FIRST_CONTROL) this.#isFragmented = first < FIN;
    return true;
  }

  /** Whether a frame is a message that `ws` would give to its listener as it is. */
  #isWhole(first: number, second: number, length: number): boolean {
    if (first !== WHOLE_BINARY || (second & MASKED) !== this.#mask || this.#isFragmented) return false;
    const most = this.#receiver._maxPayload || Number.POSITIVE_INFINITY;
    return length > 0 && length <= most;
  }

  /** Leave bytes to `ws`, which keeps what it is given. */
  #pass(): void {
    const bytes = this.#chunk.slice(this.#at, this.#at + this.#left);
    this.#at += bytes.length;
    this.#left -= bytes.length;
    this.#write.call(this.#receiver, bytes);
  }

  /** Take what is here of a message. */
  #read(): void {
    const length = this.#length;
    const isHere = this.#parts === undefined && length <= this.#chunk.length - this.#at;
    const message = isHere && length < LEAST_OWN_BYTES ? this.#cut(length) : this.#gather(length);
    if (message === undefined) return;
    this.#length = 0;
    if (this.#mask > 0) mask(message, this.#key);
    if (this.#take(message) === false) giveRecord(message);
  }

  /** A short message: all of a chunk lie in one copy of it. */
  #cut(length: number): Bytes {
    if (!this.#copied) {
      this.#chunk = this.#chunk.slice(this.#at);
      this.#at = 0;
      this.#copied = true;
    }
    const at = this.#at;
    this.#at += length;
    return this.#chunk.subarray(at, this.#at) as Bytes;
  }

  #gather(length: number): Bytes | undefined {
    this.#parts ??= new Parts();
    const parts = this.#parts;
    const piece = this.#chunk.subarray(this.#at, this.#at + length - parts.length);
    this.#at += piece.length;
    parts.add(piece, length);
    if (parts.length < length) return undefined;
    this.#parts = undefined;
    return parts.take();
  }
}

/** A big-endian number, exact up to 2^53. */
function numberAt(bytes: Uint8Array, at: number, count: number): number {
  let number = 0;
  for (let i = at; i < at + count; i++) number = number * 256 + (bytes[i] as number);
  return number;
}
