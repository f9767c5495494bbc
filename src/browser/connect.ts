import { TransportError } from "../core/errors.ts";
import { SUBPROTOCOL } from "../core/wire/hello.ts";
import { connectWith } from "../session/connect.ts";
import { connectByRace, type RaceConnectOptions, webSocketUrlOf } from "../session/connect-race.ts";
import type { Dial } from "../session/dialing.ts";
import type { Session } from "../session/session.ts";
import { whenAborted } from "../session/when-aborted.ts";
import { WebSocketTransport } from "../transports/websocket.ts";
import { findQuirk } from "./quirks.ts";
import { dialWebTransport, type WebTransportDialOptions } from "./webtransport.ts";
import { WINNERS } from "./winners.ts";

/** How a page connects. */
export interface BrowserConnectOptions extends RaceConnectOptions {
  /** For an `https:` URL: how WebTransport is opened; `false` for WebSocket alone. */
  readonly webTransport?: WebTransportDialOptions | false;
}

/**
 * Connect to a Tideway server over the runtime's own WebTransport or WebSocket.
 *
 * With an `https:` URL both are tried, and the one that answers first is taken: WebTransport has a head start, unless WebSocket won
 * the last time. When a transport stalls the session moves to the other one, and back when that works again. Other URLs
 * mean WebSocket; `http:` does too, because WebTransport is never without TLS.
 *
 * After a loss the session connects again, at once when the page comes online or becomes visible. It is closed with the
 * page, so that its server does not keep it for a page that cannot come back.
 * @param url - `https:`, `http:`, `ws:` or `wss:`; relative to the page where there is one
 * @returns the session, open.
 * @throws {WireError} when the server cannot be reached, refuses, or does not answer in time.
 */
export async function connect(url: string | URL, options: BrowserConnectOptions = {}): Promise<Session> {
  const target = URL.canParse(url) ? new URL(url) : undefined;
  const session =
    target?.protocol === "https:" || target?.protocol === "http:"
      ? await connectToPage(target, options)
      : await connectWith(dialWebSocket(url), options, onWakeup);
  closeWithPage(session);
  return session;
}

function connectToPage(url: URL, options: BrowserConnectOptions): Promise<Session> {
  const { webTransport = {} } = options;
  const missing =
    url.protocol === "http:"
      ? "WebTransport needs https:"
      : webTransport === false
        ? "WebTransport is turned off"
        : globalThis.WebTransport === undefined && "this runtime has no WebTransport";
  const ways = {
    webSocket: dialWebSocket(webSocketUrlOf(url, options)),
    webTransport:
      missing || webTransport === false ? { missing: String(missing) } : dialWebTransport(url, webTransport),
    webSocketFirst: findQuirk()?.reason,
    winners: WINNERS,
  };
  return connectByRace(url, ways, options, onWakeup);
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
 * @param create - for runtimes whose `WebSocket` takes more than a URL
 */
export function dialWebSocket(
  url: string | URL,
  create: () => WebSocket = () => new WebSocket(url, SUBPROTOCOL),
): Dial {
  return (signal) =>
    new Promise((resolve, reject) => {
      const socket = create();
      const stop = whenAborted(signal, () => socket.close());
      const fail = () => {
        stop();
        reject(new TransportError(`Cannot connect to ${url}: WebSocket failed`));
      };
      socket.addEventListener("open", () => {
        stop();
        resolve(new WebSocketTransport(socket));
      });
      socket.addEventListener("error", fail);
      socket.addEventListener("close", fail);
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
