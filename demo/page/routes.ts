import { type BrowserConnectOptions, type Dial, dialWebSocket, dialWebTransport } from "tideway";
import * as v from "valibot";
import { INFO_PATH, PATH, type ServerInfo, serverInfo } from "../contract.ts";

/** How long WebTransport is tried alone, ms: the first QUIC connection of a browser takes a while on a busy machine. */
const HEAD_START_MS = 2_000;

/** The transports that a page can have. */
export type WebTransportName = "websocket" | "webtransport";

/** What the page calls them. */
export const TRANSPORT_LABELS: Readonly<Record<WebTransportName, string>> = {
  websocket: "WebSocket",
  webtransport: "WebTransport",
};

/** The ways to the server. */
export interface Routes {
  /** Of the server, in words. */
  readonly runtime: string;
  /** For `connect`. */
  readonly url: URL;
  readonly options: BrowserConnectOptions;
  /** What opens each transport; why there is no WebTransport when it is not among them. */
  readonly dials: ReadonlyMap<WebTransportName, Dial>;
  readonly missing: string | undefined;
}

/** Ask the server what it has. One that does not say has WebSocket. */
export async function findRoutes(): Promise<Routes> {
  const { runtime, webTransport } = await readInfo();
  const socketUrl = new URL(PATH, location.href);
  socketUrl.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  const dials = new Map<WebTransportName, Dial>([["websocket", dialWebSocket(socketUrl)]]);
  if (webTransport === undefined || globalThis.WebTransport === undefined) {
    const missing =
      webTransport === undefined
        ? `${runtime} serves this page without HTTP/3, which WebTransport needs. npm run start:deno serves it with both.`
        : "This browser has no WebTransport.";
    return { runtime, url: socketUrl, options: {}, dials, missing };
  }
  const value = bytesOf(webTransport.certificateHash);
  const trusted = { serverCertificateHashes: [{ algorithm: "sha-256", value }] } as const;
  dials.set("webtransport", dialWebTransport(webTransport.url, trusted));
  const options = { webTransport: trusted, webSocketUrl: socketUrl, headStartMs: HEAD_START_MS };
  return { runtime, url: new URL(webTransport.url), options, dials, missing: undefined };
}

async function readInfo(): Promise<ServerInfo> {
  try {
    const response = await fetch(INFO_PATH);
    return v.parse(serverInfo, await response.json());
  } catch {
    return { runtime: "The server" }; // it has gone meanwhile: the session says so, and tries again
  }
}

function bytesOf(hexadecimal: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(hexadecimal.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}
