import { WebSocket } from "ws";
import { SUBPROTOCOL } from "../core/hello.ts";
import { type Limits, RECORD_SLACK_BYTES, resolveLimits } from "../core/limits.ts";
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
 * What opens a WebSocket: for `connectWith`, and for a transport to migrate to.
 * @param url - `ws:` or `wss:`
 * @throws {RangeError} when a limit is out of its bounds.
 */
export function dialWebSocket(url: string | URL, options: WebSocketDialOptions = {}): Dial {
  const maxPayload = resolveLimits(options.limits).maxFrameBytes + RECORD_SLACK_BYTES;
  return (signal) => open(url, options, maxPayload, signal);
}

function open(
  url: string | URL,
  { headers, tls }: WebSocketDialOptions,
  maxPayload: number,
  signal: AbortSignal,
): Promise<Transport> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, SUBPROTOCOL, {
      ...tls,
      perMessageDeflate: false,
      followRedirects: false,
      maxPayload,
      ...(headers === undefined ? {} : { headers: { ...headers } }),
    });
    const onAbort = () => socket.terminate();
    signal.addEventListener("abort", onAbort, { once: true });
    const fail = (cause: unknown) => {
      signal.removeEventListener("abort", onAbort);
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
