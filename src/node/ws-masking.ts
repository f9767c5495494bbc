import type { WsSocket } from "./ws-transport.ts";

/** Sends one binary message, and changes its bytes. `done` is called when the kernel has them, or never will. */
export type SendInPlace = (message: Uint8Array, done: (error?: Error | null) => void) => void;

/** What `ws` makes of a message. */
interface FrameOptions {
  readonly fin: true;
  readonly mask: true;
  readonly maskBuffer?: Uint8Array | undefined;
  readonly generateMask?: unknown;
  readonly opcode: number;
  readonly readOnly: false;
  readonly rsv1: false;
}

/** The sender of a socket of `ws` 8, which has no other way to say that a message may be changed. */
interface Sender {
  readonly constructor: { frame?(message: Uint8Array, options: FrameOptions): Uint8Array[] };
  readonly _maskBuffer?: Uint8Array;
  readonly _generateMask?: unknown;
  sendFrame?(frames: Uint8Array[], done: (error?: Error | null) => void): void;
}

/** Source: RFC 6455, section 5.2. */
const BINARY = 2;

/**
 * A client must mask what it sends (RFC 6455, section 5.3), and `ws` does that in a copy of each message, since it
 * cannot know whose bytes they are. This masks them where they are.
 * @returns `undefined` for a server, which masks nothing, and where `ws` is not as expected: use `send`.
 */
export function sendInPlace(socket: WsSocket): SendInPlace | undefined {
  const fields = socket as unknown as { readonly _isServer?: boolean; readonly _sender?: Sender };
  const sender = fields._sender;
  const Frames = sender?.constructor;
  // With an extension there may be messages of others that wait for their compression.
  if (fields._isServer !== false || socket.extensions !== "") return undefined;
  if (sender?.sendFrame === undefined || Frames?.frame === undefined) return undefined;
  const options: FrameOptions = {
    fin: true,
    mask: true,
    maskBuffer: sender._maskBuffer,
    generateMask: sender._generateMask,
    opcode: BINARY,
    readOnly: false,
    rsv1: false,
  };
  return (message, done) => sender.sendFrame?.(Frames.frame?.(message, options) ?? [], done);
}
