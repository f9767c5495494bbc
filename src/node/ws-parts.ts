import type { WsSocket } from "./ws-transport.ts";

/** The sender of a socket of `ws` 8, which writes a list of two as it is. */
interface Sender {
  sendFrame?(list: readonly [Uint8Array, Uint8Array], done: () => void): void;
}

/** FIN and the opcode of a binary message. Source: RFC 6455, section 5.2. */
const WHOLE_BINARY = 0x82;
const TWO_BYTES_FOLLOW = 126;
const EIGHT_BYTES_FOLLOW = 127;

/**
 * Send one binary message that lies in two places. `ws` takes a message in one piece; a server masks nothing, so this puts
 * the header in front of the head, which is short and is copied, and leaves the tail where it is.
 * @param done - called when the kernel has it
 * @returns false for a client, and where `ws` is not as expected: join both and use `send`.
 */
export function sendParts(socket: WsSocket, head: Uint8Array, tail: Uint8Array, done: () => void): boolean {
  const fields = socket as unknown as { readonly _isServer?: boolean; readonly _sender?: Sender };
  const sender = fields._sender;
  // With an extension there may be messages of others that wait for their compression.
  if (fields._isServer !== true || socket.extensions !== "" || sender?.sendFrame === undefined) return false;
  sender.sendFrame([withHeader(head, head.length + tail.length), tail], done);
  return true;
}

/** The header of an unmasked message of `length` bytes, and the first of them. */
function withHeader(head: Uint8Array, length: number): Uint8Array {
  const headerBytes = length < TWO_BYTES_FOLLOW ? 2 : length < 65_536 ? 4 : 10;
  const bytes = Buffer.allocUnsafe(headerBytes + head.length);
  bytes[0] = WHOLE_BINARY;
  if (headerBytes === 2) bytes[1] = length;
  else if (headerBytes === 4) {
    bytes[1] = TWO_BYTES_FOLLOW;
    bytes.writeUInt16BE(length, 2);
  } else {
    bytes[1] = EIGHT_BYTES_FOLLOW;
    bytes.writeUInt32BE(Math.floor(length / 2 ** 32), 2);
    bytes.writeUInt32BE(length >>> 0, 6);
  }
  bytes.set(head, headerBytes);
  return bytes;
}
