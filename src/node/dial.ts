import { WebSocket } from "ws";
import { TransportError } from "../core/errors.ts";
import { SUBPROTOCOL } from "../core/hello.ts";
import { type Limits, RECORD_SLACK_BYTES, resolveLimits } from "../core/limits.ts";
import { type ConnectOptions, connectWith } from "../session/connect.ts";
import type { Dial } from "../session/dialing.ts";
import type { Session } from "../session/session.ts";
import type { Transport } from "../transports/transport.ts";
import { WsTransport } from "./ws-transport.ts";

/** How a Node client opens a WebSocket. */
export interface DialOptions {
  /** Headers of the upgrade request, such as `origin` or a cookie. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Bounds of the session that it is for. */
  readonly limits?: Partial<Limits>;
}

/** How a Node client connects. */
export interface NodeConnectOptions extends ConnectOptions, DialOptions {}

/**
 * Connect to a Tideway server over WebSocket. The session connects again after a loss.
 * @param url - `ws:` or `wss:`
 * @returns the session, open.
 * @throws {WireError} when the server cannot be reached, refuses, or does not answer in time.
 */
export function connect(url: string | URL, options: NodeConnectOptions = {}): Promise<Session> {
  return connectWith(dialWebSocket(url, options), options);
}

/**
 * What opens a WebSocket: for `connectWith`, and for a transport to migrate to.
 * @param url - `ws:` or `wss:`
 * @throws {RangeError} when a limit is out of its bounds.
 */
export function dialWebSocket(url: string | URL, options: DialOptions = {}): Dial {
  const maxPayload = resolveLimits(options.limits).maxFrameBytes + RECORD_SLACK_BYTES;
  return (signal) => dial(url, options, maxPayload, signal);
}

function dial(
  url: string | URL,
  { headers }: DialOptions,
  maxPayload: number,
  signal: AbortSignal,
): Promise<Transport> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, SUBPROTOCOL, {
      perMessageDeflate: false,
      followRedirects: false,
      maxPayload,
      ...(headers === undefined ? {} : { headers: { ...headers } }),
    });
    const onAbort = () => socket.terminate();
    signal.addEventListener("abort", onAbort, { once: true });
    const fail = (cause: unknown) => {
      signal.removeEventListener("abort", onAbort);
      reject(
        new TransportError(`Cannot connect to ${url}: ${cause instanceof Error ? cause.message : cause}`, {
          cause,
        }),
      );
    };
    socket.once("error", fail);
    socket.once("open", () => {
      signal.removeEventListener("abort", onAbort);
      socket.removeListener("error", fail);
      resolve(new WsTransport(socket));
    });
  });
}
