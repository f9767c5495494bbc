import type { Socket } from "node:net";
import type { Bytes } from "../core/bytes.ts";

/** Bytes of one read: as many as Node asks the kernel for. They stay in the cache between the kernel and the copy. */
const READ_BYTES = 65_536;

/** All sockets of the thread read into this one: a read is taken before the next begins. */
let shared: Bytes | undefined;

/**
 * Have a socket read into a buffer of the whole thread, instead of into a new one for each read: what `onread` of
 * `net.connect` does, for sockets that were accepted too. Bytes that the socket has read before still come as `data`.
 * @param take - hears of each read; the bytes are only there during the call
 * @returns false where this version of the runtime has no such thing: all bytes come as `data`.
 */
export function readShared(socket: Socket, take: (bytes: Bytes) => void): boolean {
  // Node has no option for a socket that a server has accepted, and keeps those of `connect` under these.
  const fields: Record<string | symbol, unknown> = socket as never;
  const [buffer, callback] = ["kBuffer", "kBufferCb"].map((name) =>
    Object.getOwnPropertySymbols(socket).find(({ description }) => description === name),
  );
  const handle = fields["_handle"] as { readonly useUserBuffer?: (buffer: Bytes) => void } | null;
  if (buffer === undefined || callback === undefined || handle?.useUserBuffer === undefined) return false;
  shared ??= new Uint8Array(READ_BYTES);
  handle.useUserBuffer(shared);
  fields[buffer] = shared;
  fields[callback] = (length: number, bytes: Bytes): true => {
    take(bytes.subarray(0, length));
    return true;
  };
  return true;
}
