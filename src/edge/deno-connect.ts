import { type BrowserConnectOptions, connect as connectFromWeb, dialWebSocket } from "../browser/connect.ts";
import { messageOf, TransportError } from "../core/errors.ts";
import { SUBPROTOCOL } from "../core/wire/hello.ts";
import { ipcDialPath } from "../ipc/ipc-path.ts";
import { connectWith } from "../session/connect.ts";
import type { Dial } from "../session/dialing.ts";
import type { Session } from "../session/session.ts";
import { isSocketAddress, parseSocketAddress, type SocketAddress } from "../transports/socket-address.ts";
import { ALPN, type ClientTls } from "../transports/tls-options.ts";
import { type DenoConn, denoNamespace } from "./deno-namespace.ts";
import { DenoTransport } from "./deno-transport.ts";

/** How a Deno client connects. */
export interface DenoConnectOptions extends BrowserConnectOptions {
  /** Whom to trust, for `tls:` and `wss:` addresses, besides the authorities that Deno knows. */
  readonly tls?: ClientTls;
}

/**
 * Connect to a Tideway server. The session connects again after a loss.
 * @param url - `tcp://host:port`, `tls://host:port`, `ipc:name`, `unix:/path/of/a/socket`, or what pages connect to:
 *   `ws:`, `wss:`, `https:`
 * @returns the session, open.
 * @throws {WireError} when the server cannot be reached, refuses, or does not answer in time.
 */
export async function connect(url: string | URL, options: DenoConnectOptions = {}): Promise<Session> {
  if (isSocketAddress(url)) return connectWith(dialSocket(url, options), options);
  if (options.tls === undefined || !/^wss:/i.test(String(url))) return connectFromWeb(url, options);
  const client = denoNamespace().createHttpClient({ caCerts: [options.tls.ca ?? []].flat() });
  const init = { protocols: [SUBPROTOCOL], client };
  return connectWith(
    dialWebSocket(url, () => new WebSocket(url, init as never)), // what Deno takes besides protocols
    options,
  );
}

/**
 * What opens a TCP connection, with TLS or not, or a Unix socket: for `connectWith`, and for a transport to migrate to.
 * @param url - `tcp://host:port`, `tls://host:port`, `ipc:name` or `unix:/path/of/a/socket`
 * @throws {TypeError} for an address that is not understood.
 */
export function dialSocket(url: string | URL, options: Pick<DenoConnectOptions, "tls"> = {}): Dial {
  const address = parseSocketAddress(url, "connect to");
  return async (signal) => {
    let conn: DenoConn;
    try {
      conn = await open(address, options.tls, signal);
    } catch (cause) {
      signal.throwIfAborted();
      const reason = messageOf(cause);
      throw new TransportError(`Cannot connect to ${url}: ${reason}`, { cause });
    }
    if (!signal.aborted) return new DenoTransport(conn);
    conn.close();
    throw signal.reason;
  };
}

async function open(
  address: SocketAddress,
  tls: ClientTls | undefined,
  signal: AbortSignal,
): Promise<DenoConn> {
  const deno = denoNamespace();
  if (address.kind === "ipc") return deno.connect({ transport: "unix", path: ipcDialPath(address.name) });
  if (address.kind === "unix") return deno.connect({ transport: "unix", path: address.path });
  const { hostname, port } = address;
  if (address.kind === "tcp") return deno.connect({ hostname, port });
  const conn = await deno.connectTls({
    hostname,
    port,
    alpnProtocols: ALPN,
    caCerts: [tls?.ca ?? []].flat(),
  });
  const onAbort = () => conn.close();
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    await conn.handshake?.();
    return conn;
  } catch (error) {
    if (!signal.aborted) conn.close();
    throw error;
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
