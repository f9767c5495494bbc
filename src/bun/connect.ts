import { type BrowserConnectOptions, connect as connectFromWeb, dialWebSocket } from "../browser/connect.ts";
import { TransportError } from "../core/errors.ts";
import { SUBPROTOCOL } from "../core/wire/hello.ts";
import { ipcDialPath } from "../ipc/ipc-path.ts";
import { connectWith } from "../session/connect.ts";
import type { Dial } from "../session/dialing.ts";
import type { Session } from "../session/session.ts";
import { isSocketAddress, parseSocketAddress, type SocketAddress } from "../transports/socket-address.ts";
import type { ClientTls } from "../transports/tls-options.ts";
import type { Transport } from "../transports/transport.ts";
import { type BunSocket, type BunTarget, bunNamespace } from "./bun-namespace.ts";
import { type BunSocketData, BunSocketTransport, socketHandler } from "./socket-transport.ts";

/** How a Bun client connects. */
export interface BunConnectOptions extends BrowserConnectOptions {
  /** Whom to trust, for `tls:` and `wss:` addresses, instead of the authorities that Bun knows. */
  readonly tls?: ClientTls;
}

/**
 * Connect to a Tideway server. The session connects again after a loss.
 * @param url - `tcp://host:port`, `tls://host:port`, `ipc:name`, `unix:/path/of/a/socket`, or what pages connect to:
 *   `ws:`, `wss:`, `https:`
 * @returns the session, open.
 * @throws {WireError} when the server cannot be reached, refuses, or does not answer in time.
 */
export async function connect(url: string | URL, options: BunConnectOptions = {}): Promise<Session> {
  if (isSocketAddress(url)) return connectWith(dialSocket(url, options), options);
  const { tls } = options;
  if (tls?.ca === undefined || !/^wss:/i.test(String(url))) return connectFromWeb(url, options);
  const init = { protocols: [SUBPROTOCOL], tls };
  return connectWith(
    dialWebSocket(url, () => new WebSocket(url, init as never)), // what Bun takes besides protocols
    options,
  );
}

/**
 * What opens a TCP connection, with TLS or not, or a Unix socket: for `connectWith`, and for a transport to migrate to.
 * @param url - `tcp://host:port`, `tls://host:port`, `ipc:name` or `unix:/path/of/a/socket`
 * @throws {TypeError} for an address that is not understood.
 */
export function dialSocket(url: string | URL, options: Pick<BunConnectOptions, "tls"> = {}): Dial {
  const address = parseSocketAddress(url, "connect to");
  const name = address.kind === "ipc" || address.kind === "unix" ? "ipc" : "tcp";
  const secure = address.kind === "tls";
  const { ca } = options.tls ?? {};
  return (signal) =>
    new Promise<Transport>((resolve, reject) => {
      signal.throwIfAborted();
      let open: BunSocket<BunSocketData> | undefined;
      const onAbort = () => {
        open?.terminate();
        reject(signal.reason);
      };
      signal.addEventListener("abort", onAbort, { once: true });
      const fail = (cause: unknown) => {
        signal.removeEventListener("abort", onAbort);
        const reason = cause instanceof Error ? cause.message : String(cause ?? "connection was closed");
        reject(new TransportError(`Cannot connect to ${url}: ${reason}`, { cause }));
      };
      const handler = socketHandler({
        secure,
        opened: (socket) => {
          open = socket;
          return signal.aborted ? undefined : fail;
        },
        ready: (socket) => {
          signal.removeEventListener("abort", onAbort);
          const transport = new BunSocketTransport(socket, name);
          resolve(transport);
          return transport;
        },
      });
      const socket = { ...handler, connectError: (_socket: unknown, error: unknown) => fail(error) };
      const data: BunSocketData = { transport: undefined };
      const tls = secure ? { tls: ca === undefined ? (true as const) : { ca } } : {};
      // Where an address cannot be used, this throws instead of failing.
      (async () =>
        bunNamespace().connect({ ...targetOf(address), ...tls, socket, data, allowHalfOpen: true }))().catch(
        fail,
      );
    });
}

/** @throws {Error} when another user could have put a socket there. */
function targetOf(address: SocketAddress): BunTarget {
  if (address.kind === "ipc") return { unix: ipcDialPath(address.name) };
  if (address.kind === "unix") return { unix: address.path };
  return { hostname: address.hostname, port: address.port };
}
