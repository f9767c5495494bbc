import { TransportError } from "../core/errors.ts";
import { SUBPROTOCOL } from "../core/hello.ts";
import { type ConnectOptions, connectWith } from "../session/connect.ts";
import type { Session } from "../session/session.ts";
import type { Transport } from "../transports/transport.ts";
import { WebSocketTransport } from "../transports/websocket.ts";

/**
 * Connect to a Tideway server over the runtime's own WebSocket.
 *
 * After a loss the session connects again, at once when the page comes online or becomes visible.
 * @param url - `ws:` or `wss:`; relative to the page where there is one
 * @returns the session, open.
 * @throws {WireError} when the server cannot be reached, refuses, or does not answer in time.
 */
export function connect(url: string | URL, options: ConnectOptions = {}): Promise<Session> {
  return connectWith((signal) => dial(url, signal), options, onWakeup);
}

function dial(url: string | URL, signal: AbortSignal): Promise<Transport> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, SUBPROTOCOL);
    const fail = () => reject(new TransportError(`Cannot connect to ${url}: WebSocket failed`));
    socket.addEventListener("open", () => resolve(new WebSocketTransport(socket)), { once: true });
    socket.addEventListener("error", fail, { once: true });
    socket.addEventListener("close", fail, { once: true });
    signal.addEventListener("abort", () => socket.readyState === socket.CONNECTING && socket.close(), {
      once: true,
    });
  });
}

/** Retry when the network is back or the page is seen again. */
function onWakeup(retry: () => void): () => void {
  const page = globalThis.document;
  const onVisible = () => {
    if (page.visibilityState === "visible") retry();
  };
  globalThis.addEventListener?.("online", retry);
  page?.addEventListener("visibilitychange", onVisible);
  return () => {
    globalThis.removeEventListener?.("online", retry);
    page?.removeEventListener("visibilitychange", onVisible);
  };
}
