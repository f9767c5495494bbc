import { TransportError } from "../core/errors.ts";
import { SUBPROTOCOL } from "../core/hello.ts";
import { type ConnectOptions, connectWith } from "../session/connect.ts";
import type { Dial } from "../session/dialing.ts";
import { type Contender, noteChoice, Race, type TransportChoice } from "../session/race.ts";
import type { Session } from "../session/session.ts";
import { WebSocketTransport } from "../transports/websocket.ts";
import { findQuirk } from "./quirks.ts";
import { dialWebTransport, type WebTransportDialOptions } from "./webtransport.ts";
import { recallWinner, rememberWinner } from "./winners.ts";

/** How a page connects. */
export interface BrowserConnectOptions extends ConnectOptions {
  /** For an `https:` URL: how WebTransport is opened; `false` for WebSocket alone. */
  readonly webTransport?: WebTransportDialOptions | false;
  /** For an `https:` URL: where the same server listens for WebSocket. Default: the same URL with `wss:`. */
  readonly webSocketUrl?: string | URL;
  /** For an `https:` URL: how long WebTransport is tried alone, ms. Default 500. */
  readonly headStartMs?: number;
  /** Called with each choice of a transport, and why: see `choiceOf`. */
  readonly onChoice?: (choice: TransportChoice) => void;
}

/**
 * Connect to a Tideway server over the runtime's own WebTransport or WebSocket.
 *
 * With an `https:` URL both are tried, and the one that answers first is taken: WebTransport has a head start, unless WebSocket won
 * the last time. When a transport stalls the session moves to the other one, and back when that works again. Other URLs
 * mean WebSocket.
 *
 * After a loss the session connects again, at once when the page comes online or becomes visible. It is closed with the
 * page, so that its server does not keep it for a page that cannot come back.
 * @param url - `https:`, `ws:` or `wss:`; relative to the page where there is one
 * @returns the session, open.
 * @throws {WireError} when the server cannot be reached, refuses, or does not answer in time.
 */
export async function connect(url: string | URL, options: BrowserConnectOptions = {}): Promise<Session> {
  const target = URL.canParse(url) ? new URL(url) : undefined;
  const session =
    target?.protocol === "https:"
      ? await connectByRace(target, options)
      : await connectWith(dialWebSocket(url), options, onWakeup);
  closeWithPage(session);
  return session;
}

async function connectByRace(url: URL, options: BrowserConnectOptions): Promise<Session> {
  const { webTransport = {}, webSocketUrl = url.href.replace(/^https/, "wss"), headStartMs } = options;
  const webSocket: Contender = { name: "websocket", dial: dialWebSocket(webSocketUrl) };
  if (webTransport === false || globalThis.WebTransport === undefined) {
    const reason = webTransport === false ? "WebTransport is turned off" : "this runtime has no WebTransport";
    const choice: TransportChoice = { transport: "websocket", reasons: [reason], contenders: [] };
    const session = await connectWith(webSocket.dial, options, onWakeup);
    noteChoice(session, { choice });
    options.onChoice?.(choice);
    return session;
  }
  const native: Contender = { name: "webtransport", dial: dialWebTransport(url, webTransport) };
  const quirk = findQuirk();
  const race = new Race(quirk === undefined ? [native, webSocket] : [webSocket, native], {
    reasons: quirk === undefined ? [] : [quirk.reason],
    lastWinner: quirk === undefined ? recallWinner(url.origin) : undefined,
    remember: (winner) => rememberWinner(url.origin, winner),
    ...(headStartMs === undefined ? {} : { headStartMs }),
    ...(options.onChoice === undefined ? {} : { onChoice: options.onChoice }),
  });
  const onSession = (session: Session) => {
    race.watch(session);
    options.onSession?.(session);
  };
  return connectWith(race, { ...options, onSession }, onWakeup);
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
