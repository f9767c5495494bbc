import { messageOf } from "../core/errors.ts";
import { connectWith } from "../session/connect.ts";
import {
  connectByRace,
  type RaceConnectOptions,
  type Winners,
  webSocketUrlOf,
} from "../session/connect-race.ts";
import type { Dial } from "../session/dialing.ts";
import type { Session } from "../session/session.ts";
import type { TransportName } from "../transports/transport.ts";
import { parseAddress, type SocketAddress } from "./address.ts";
import { SocketDialer, type SocketDialOptions } from "./dial-socket.ts";
import { dialWebSocket, type WebSocketDialOptions } from "./dial-websocket.ts";
import { dialWebTransport, type WebTransportDialOptions } from "./dial-webtransport.ts";
import { loadPackage } from "./webtransport-package.ts";

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
export interface NodeConnectOptions extends RaceConnectOptions, DialOptions {
  /** For an `https:` URL: how WebTransport is opened; `false` for WebSocket alone. */
  readonly webTransport?: WebTransportDialOptions | false;
}

/** For this run of the program. */
const WINNERS: Winners = (() => {
  const known: Map<string, TransportName> = new Map();
  return {
    recall: (origin) => known.get(origin),
    remember: (origin, winner) => void known.set(origin, winner),
  };
})();

let warned = false;

/**
 * Connect to a Tideway server. The session connects again after a loss.
 *
 * With an `https:` URL both WebTransport and WebSocket are tried, and the one that answers first is taken, as in a page.
 * Without the packages for WebTransport, of which a warning tells once, that is WebSocket. `http:` means `ws:`, because
 * WebTransport is never without TLS.
 * @param url - `https:`, `http:`, `ws:`, `wss:`, `tcp://host:port`, `tls://host:port` or `ipc:name`
 * @returns the session, open.
 * @throws {WireError} when the server cannot be reached, refuses, or does not answer in time. {@link TypeError} for an
 *   address that is not understood.
 */
export async function connect(url: string | URL, options: NodeConnectOptions = {}): Promise<Session> {
  const target = URL.canParse(url) ? new URL(url) : undefined;
  if (target?.protocol === "https:" || target?.protocol === "http:") return connectToSite(target, options);
  return connectWith(dial(url, options), options);
}

async function connectToSite(url: URL, options: NodeConnectOptions): Promise<Session> {
  const { webTransport = {} } = options;
  const webSocket = dial(webSocketUrlOf(url, options), options);
  const missing = await whyNoWebTransport(url, webTransport);
  const ways = {
    webSocket,
    webTransport:
      missing !== undefined || webTransport === false
        ? { missing: missing ?? "" }
        : reported(url, dialWebTransport(url, webTransport), options),
    winners: WINNERS,
  };
  return connectByRace(url, ways, options);
}

async function whyNoWebTransport(
  { protocol }: URL,
  options: WebTransportDialOptions | false,
): Promise<string | undefined> {
  if (protocol === "http:") return "WebTransport needs https:";
  if (options === false) return "WebTransport is turned off";
  try {
    await loadPackage(options.reliable === true);
    return undefined;
  } catch (error) {
    const missing = messageOf(error);
    if (!warned)
      process.emitWarning(`${missing}. WebSocket alone is used`, { code: "TIDEWAY_NO_WEBTRANSPORT" });
    warned = true;
    return missing;
  }
}

/**
 * What opens a connection: for `connectWith`, and for a transport to migrate to.
 * @param url - `ws:`, `wss:`, `tcp://host:port`, `tls://host:port` or `ipc:name`
 * @throws {TypeError} for an address that is not understood. {@link RangeError} when a limit is out of its bounds.
 */
export function dial(url: string | URL, options: DialOptions = {}): Dial {
  const address = parseAddress(url, "connect to");
  const open = address.kind === "websocket" ? dialWebSocket(url, options) : openSocket(address, options);
  return reported(url, open, options);
}

/** Tells of each connection that is opened. */
function reported(url: string | URL, open: Dial, options: DialOptions): Dial {
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
