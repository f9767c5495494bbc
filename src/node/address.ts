import { messageOf, TransportError } from "../core/errors.ts";
import { IPC_ADDRESS } from "../transports/socket-address.ts";

/** Where to listen, or what to dial. */
export type Address =
  | { readonly kind: "websocket"; readonly url: URL }
  | { readonly kind: "tcp" | "tls"; readonly host: string; readonly port: number }
  | { readonly kind: "ipc"; readonly name: string };

/** An address that sockets have. */
export type SocketAddress = Exclude<Address, { readonly kind: "websocket" }>;

/** What is being done with an address, for messages. */
export type AddressVerb = "listen on" | "connect to";

const FORMS: Readonly<Record<AddressVerb, string>> = {
  "listen on": "ws://host:port or wss://host:port, with a path or not",
  "connect to": "ws:// or wss:// with a host",
};

/**
 * Take an address apart: `ws://host:port/path`, `wss:` likewise, `tcp://host:port`, `tls://host:port`, `ipc:name`.
 * @param verb - what it is for, for the message of an error
 * @throws {TypeError} for an address that is not understood.
 */
export function parseAddress(address: string | URL, verb: AddressVerb): Address {
  const text = String(address);
  const name = IPC_ADDRESS.exec(text)?.[1];
  if (name !== undefined) return { kind: "ipc", name };
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && url.hostname !== "") {
    if (url.protocol === "ws:" || url.protocol === "wss:") return { kind: "websocket", url };
    const kind = url.protocol === "tcp:" ? "tcp" : url.protocol === "tls:" ? "tls" : undefined;
    if (kind !== undefined && isBare(url)) return { kind, host: hostOf(url), port: Number(url.port) };
  }
  throw new TypeError(
    `Cannot ${verb} ${text}: expected ${FORMS[verb]}, tcp://host:port, tls://host:port or ipc: with a name of 1 to 64 letters, digits, "-", "_" and "."`,
  );
}

/** The host of a URL as sockets take it. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, "");
}

/** An address as it is dialed. */
export function urlOf(address: SocketAddress): string {
  if (address.kind === "ipc") return `ipc:${address.name}`;
  const host = address.host.includes(":") ? `[${address.host}]` : address.host;
  return `${address.kind}://${host}:${address.port}`;
}

/** An address of a socket says a host and a port, and nothing else. */
function isBare({ port, pathname, search, hash, username, password }: URL): boolean {
  return (
    port !== "" && (pathname === "" || pathname === "/") && `${search}${hash}${username}${password}` === ""
  );
}

/** What is told when the runtime or the network does not let an address be used. */
export function addressError(verb: AddressVerb, address: string | URL, cause: unknown): TransportError {
  return new TransportError(`Cannot ${verb} ${address}: ${describe(cause)}`, { cause });
}

/** An attempt at several addresses of a name fails with an error that says nothing but holds one for each. */
function describe(cause: unknown): string {
  if (cause instanceof AggregateError && cause.message === "")
    return [...new Set(cause.errors.map(describe))].join("; ");
  return messageOf(cause);
}
