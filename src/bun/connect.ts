import { type BrowserConnectOptions, connect as connectFromWeb } from "../browser/connect.ts";
import { TransportError } from "../core/errors.ts";
import { connectWith } from "../session/connect.ts";
import type { Dial } from "../session/dialing.ts";
import type { Session } from "../session/session.ts";
import { isSocketAddress, parseSocketAddress } from "../transports/socket-address.ts";
import type { Transport } from "../transports/transport.ts";
import { type BunTarget, bunNamespace } from "./bun-namespace.ts";
import { BunSocketTransport, socketHandler } from "./socket-transport.ts";

/**
 * Connect to a Tideway server. The session connects again after a loss.
 * @param url - `tcp://host:port`, `unix:/path/of/a/socket`, or what pages connect to: `ws:`, `wss:`, `https:`
 * @returns the session, open.
 * @throws {WireError} when the server cannot be reached, refuses, or does not answer in time.
 */
export async function connect(url: string | URL, options: BrowserConnectOptions = {}): Promise<Session> {
  if (isSocketAddress(url)) return connectWith(dialSocket(url), options);
  return connectFromWeb(url, options);
}

/**
 * What opens a TCP connection or a Unix socket: for `connectWith`, and for a transport to migrate to.
 * @param url - `tcp://host:port` or `unix:/path/of/a/socket`
 * @throws {TypeError} for an address that is not understood.
 */
export function dialSocket(url: string | URL): Dial {
  const address = parseSocketAddress(url, "connect to");
  const target: BunTarget = address.kind === "unix" ? { unix: address.path } : address;
  return (signal) =>
    new Promise<Transport>((resolve, reject) => {
      const fail = (cause: unknown) => {
        const reason = cause instanceof Error ? cause.message : String(cause);
        reject(new TransportError(`Cannot connect to ${url}: ${reason}`, { cause }));
      };
      const handler = socketHandler((socket) => {
        if (signal.aborted) {
          socket.terminate();
          return undefined;
        }
        const transport = new BunSocketTransport(socket, address.kind === "unix" ? "ipc" : "tcp");
        resolve(transport);
        return transport;
      });
      const socket = { ...handler, connectError: (_socket: unknown, error: unknown) => fail(error) };
      bunNamespace()
        .connect({ ...target, socket, data: { transport: undefined }, allowHalfOpen: true })
        .catch(fail);
    });
}
