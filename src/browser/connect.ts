import { TransportError } from "../core/errors.ts";
import { SUBPROTOCOL } from "../core/hello.ts";
import { type ConnectOptions, connectWith } from "../session/connect.ts";
import type { Dial } from "../session/dialing.ts";
import type { Session } from "../session/session.ts";
import { WebSocketTransport } from "../transports/websocket.ts";

/**
 * Connect to a Tideway server over the runtime's own WebSocket.
 *
 * After a loss the session connects again, at once when the page comes online or becomes visible. It is closed with the
 * page, so that its server does not keep it for a page that cannot come back.
 * @param url - `ws:` or `wss:`; relative to the page where there is one
 * @returns the session, open.
 * @throws {WireError} when the server cannot be reached, refuses, or does not answer in time.
 */
export async function connect(url: string | URL, options: ConnectOptions = {}): Promise<Session> {
  const session = await connectWith(dialWebSocket(url), options, onWakeup);
  closeWithPage(session);
  return session;
}

function closeWithPage(session: Session): void {
  const onHide = (event: Event) => {
    // A page that is only put aside can come back, and carry its session on.
    if (!(event as PageTransitionEvent).persisted) void session.close();
  };
  globalThis.addEventListener?.("pagehide", onHide);
  void session.closed.then(() => globalThis.removeEventListener?.("pagehide", onHide));
}

/**
 * What opens a WebSocket: for `connectWith`, and for a transport to migrate to.
 * @param url - `ws:` or `wss:`; relative to the page where there is one
 */
export function dialWebSocket(url: string | URL): Dial {
  return (signal) =>
    new Promise((resolve, reject) => {
      const socket = new WebSocket(url, SUBPROTOCOL);
      const fail = () => reject(new TransportError(`Cannot connect to ${url}: WebSocket failed`));
      socket.addEventListener("open", () => resolve(new WebSocketTransport(socket)), { once: true });
      socket.addEventListener("error", fail, { once: true });
      socket.addEventListener("close", fail, { once: true });
      const onAbort = () => socket.readyState === socket.CONNECTING && socket.close();
      signal.addEventListener("abort", onAbort, { once: true });
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
