import { messageOf, TransportError } from "../core/errors.ts";

/** Where a byte stream is listened for, or dialed. */
export type SocketAddress =
  | { readonly kind: "tcp" | "tls"; readonly hostname: string; readonly port: number }
  | { readonly kind: "ipc"; readonly name: string }
  | { readonly kind: "unix"; readonly path: string };

/** `ipc:` and the name of a process's socket. */
export const IPC_ADDRESS: RegExp = /^ipc:([A-Za-z0-9._-]{1,64})$/;

/** Whether `url` names a byte stream: `tcp:`, `tls:`, `ipc:` or `unix:`. */
export function isSocketAddress(url: string | URL): boolean {
  return /^(tcp|tls|ipc|unix):/i.test(String(url));
}

/**
 * Take apart `tcp://host:port`, `tls://host:port`, `ipc:name` or `unix:/path/of/a/socket`.
 * @param verb - what the address is for, for the message of an error
 * @throws {TypeError} for an address that is not understood.
 */
export function parseSocketAddress(url: string | URL, verb: "listen on" | "connect to"): SocketAddress {
  const text = String(url);
  const name = IPC_ADDRESS.exec(text)?.[1];
  if (name !== undefined) return { kind: "ipc", name };
  const parsed = URL.canParse(text) ? new URL(text) : undefined;
  const kind = parsed?.protocol === "tcp:" ? "tcp" : parsed?.protocol === "tls:" ? "tls" : undefined;
  if (parsed !== undefined && kind !== undefined && parsed.hostname !== "" && parsed.port !== "")
    return { kind, hostname: parsed.hostname.replace(/^\[|\]$/g, ""), port: Number(parsed.port) };
  const path = decodeURIComponent(parsed?.pathname ?? "");
  if (parsed?.protocol === "unix:" && path.startsWith("/")) return { kind: "unix", path };
  throw new TypeError(
    `Cannot ${verb} ${text}: expected tcp://host:port, tls://host:port, ipc: with a name of 1 to 64 letters, digits, "-", "_" and ".", or unix:/path/of/a/socket`,
  );
}

/** Where a server listens for WebSocket. */
export interface WebAddress {
  readonly url: URL;
  /** With TLS: `wss:`. */
  readonly secure: boolean;
  readonly hostname: string;
  readonly port: number;
}

/**
 * Take apart `ws://host:port` or `wss://host:port`, with a path or not.
 * @throws {TypeError} for an address that is not understood.
 */
export function parseWebAddress(address: string): WebAddress {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  const secure = url?.protocol === "wss:";
  if (url === undefined || !(secure || url.protocol === "ws:") || url.hostname === "")
    throw new TypeError(
      `Cannot listen on ${address}: expected ws://host:port, wss://host:port, tcp://host:port, tls://host:port, ipc:name or unix:/path`,
    );
  const hostname = url.hostname.replace(/^\[|\]$/g, "");
  return { url, secure, hostname, port: Number(url.port || (secure ? 443 : 80)) };
}

/** What an address that cannot be had is told as: a wrong one is the caller's fault, any other the runtime's. */
export function listenError(address: string, cause: unknown): Error {
  if (cause instanceof TypeError) return cause;
  const reason = messageOf(cause);
  return new TransportError(`Cannot listen on ${address}: ${reason}`, { cause });
}

/** How a runtime listens for byte streams, and for WebSocket. */
export interface ListenWays {
  socket(address: string): Promise<void>;
  web(address: string): void;
}

/**
 * Listen on an address in the way that it asks for.
 * @throws {TransportError} when it cannot be had. {@link TypeError} for one that is not understood.
 */
export async function listenOn(address: string, ways: ListenWays): Promise<void> {
  try {
    if (isSocketAddress(address)) await ways.socket(address);
    else ways.web(address);
  } catch (cause) {
    throw listenError(address, cause);
  }
}

/** The address that a listener got, where the kernel has chosen its port. */
export function withPort(address: string, port: number | undefined): string {
  return port === undefined ? address : address.replace(/:\d+(?=\/?$)/, `:${port}`);
}
