import { isIP } from "node:net";
import { type ConnectionOptions, connect as connectTls } from "node:tls";
import { WebSocket } from "ws";
import { type Limits, RECORD_SLACK_BYTES, resolveLimits } from "../core/limits.ts";
import { SUBPROTOCOL } from "../core/wire/hello.ts";
import type { Dial } from "../session/dialing.ts";
import type { Transport } from "../transports/transport.ts";
import { addressError } from "./address.ts";
import type { SocketDialOptions } from "./dial-socket.ts";
import { WsTransport } from "./ws-transport.ts";

/** How a Node client opens a WebSocket. */
export interface WebSocketDialOptions extends Pick<SocketDialOptions, "tls"> {
  /** Headers of the upgrade request, such as `origin` or a cookie. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Bounds of the session that it is for. */
  readonly limits?: Partial<Limits>;
}

/**
 * What opens a WebSocket: for `connectWith`, and for a transport to migrate to. What TLS has agreed on with the server
 * is kept for the next connection of the same dial, for a shorter handshake.
 * @param url - `ws:` or `wss:`
 * @throws {RangeError} when a limit is out of its bounds.
 */
export function dialWebSocket(url: string | URL, options: WebSocketDialOptions = {}): Dial {
  const maxPayload = resolveLimits(options.limits).maxFrameBytes + RECORD_SLACK_BYTES;
  const kept: { tlsSession?: Buffer | undefined } = {};
  const connectSocket = (given: ConnectionOptions) => {
    const { host = "" } = given;
    const { tlsSession: session } = kept;
    const socket = connectTls({
      ...(isIP(host) === 0 ? { servername: host } : {}),
      ...given,
      path: undefined as never, // that of the request, and no Unix socket
      ...(session === undefined ? {} : { session }),
    });
    socket.on("session", (ticket) => {
      kept.tlsSession = ticket;
    });
    return socket;
  };
  const connectOptions = /^wss:/i.test(String(url)) ? { createConnection: connectSocket as never } : {};
  return (signal) =>
    new Promise<Transport>((resolve, reject) => {
      const socket = new WebSocket(url, SUBPROTOCOL, {
        ...options.tls,
        ...connectOptions,
        perMessageDeflate: false,
        followRedirects: false,
        maxPayload,
        ...(options.headers === undefined ? {} : { headers: { ...options.headers } }),
      });
      const onAbort = () => socket.terminate();
      signal.addEventListener("abort", onAbort, { once: true });
      const fail = (cause: unknown) => {
        signal.removeEventListener("abort", onAbort);
        kept.tlsSession = undefined; // it may be what the server does not like
        reject(addressError("connect to", url, cause));
      };
      socket.once("error", fail);
      socket.once("open", () => {
        signal.removeEventListener("abort", onAbort);
        socket.removeListener("error", fail);
        resolve(new WsTransport(socket));
      });
    });
}
