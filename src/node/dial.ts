import { type ConnectOptions, connectWith } from "../session/connect.ts";
import type { Dial } from "../session/dialing.ts";
import type { Session } from "../session/session.ts";
import type { TransportName } from "../transports/transport.ts";
import { parseAddress, type SocketAddress } from "./address.ts";
import { SocketDialer, type SocketDialOptions } from "./dial-socket.ts";
import { dialWebSocket, type WebSocketDialOptions } from "./dial-websocket.ts";

/** What is told of a connection that was opened. */
export interface ConnectReport {
  readonly url: string;
  readonly transport: TransportName;
  /** What opening it took, with name resolution, TLS and upgrade, ms. */
  readonly connectMs: number;
}

/** How a Node client opens a connection. Each kind of address takes what concerns it. */
export interface DialOptions extends WebSocketDialOptions, SocketDialOptions {
  /** Called with each connection that was opened, before a byte has gone over it. */
  readonly onConnect?: (report: ConnectReport) => void;
}

/** How a Node client connects. */
export interface NodeConnectOptions extends ConnectOptions, DialOptions {}

/**
 * Connect to a Tideway server. The session connects again after a loss.
 * @param url - `ws:`, `wss:`, `tcp://host:port`, `tls://host:port` or `ipc:name`
 * @returns the session, open.
 * @throws {WireError} when the server cannot be reached, refuses, or does not answer in time. {@link TypeError} for an
 *   address that is not understood.
 */
export async function connect(url: string | URL, options: NodeConnectOptions = {}): Promise<Session> {
  return connectWith(dial(url, options), options);
}

/**
 * What opens a connection: for `connectWith`, and for a transport to migrate to.
 * @param url - `ws:`, `wss:`, `tcp://host:port`, `tls://host:port` or `ipc:name`
 * @throws {TypeError} for an address that is not understood. {@link RangeError} when a limit is out of its bounds.
 */
export function dial(url: string | URL, options: DialOptions = {}): Dial {
  const address = parseAddress(url, "connect to");
  const open = address.kind === "websocket" ? dialWebSocket(url, options) : openSocket(address, options);
  return async (signal) => {
    const start = performance.now();
    const transport = await open(signal);
    const connectMs = performance.now() - start;
    try {
      options.onConnect?.({ url: String(url), transport: transport.name, connectMs });
    } catch (error) {
      transport.close(1_000, "");
      throw error;
    }
    return transport;
  };
}

function openSocket(address: SocketAddress, options: DialOptions): Dial {
  const dialer = new SocketDialer(address, options);
  return (signal) => dialer.dial(signal);
}
