import {
  createServer,
  type Server as HttpServer,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { TlsOptions } from "node:tls";
import { WebSocketServer } from "ws";
import { RECORD_SLACK_BYTES } from "../core/limits.ts";
import { SUBPROTOCOL } from "../core/wire/hello.ts";
import type { SessionHost } from "../rpc/host.ts";
import type { Refusal } from "../session/admission.ts";
import { addressError, hostOf } from "./address.ts";
import { BACKLOG, type Listener, type NodeRequest } from "./listener.ts";
import { WsTransport } from "./ws-transport.ts";

/** How often requests are looked for that take too long, ms. */
const MOST_CHECK_MS = 1_000;
const NOT_FOUND: Refusal = { status: 404, reason: "Not Found" };

/** Takes upgrade requests to WebSocket, on HTTP servers of its own and on others. */
export class UpgradeListener {
  readonly #host: SessionHost<NodeRequest>;
  readonly #upgrades: WebSocketServer;

  constructor(host: SessionHost<NodeRequest>) {
    this.#host = host;
    this.#upgrades = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: host.resolved.limits.maxFrameBytes + RECORD_SLACK_BYTES,
      handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
    });
  }

  /**
   * Listen on an HTTP server of its own.
   * @throws {TransportError} when the address cannot be had; {@link TypeError} for `wss:` without certificate and key.
   */
  async listen(address: string, url: URL, tls: TlsOptions | undefined): Promise<Listener> {
    const secure = url.protocol === "wss:";
    if (secure && tls === undefined)
      throw new TypeError(`Cannot listen on ${address}: tls is missing, with cert and key`);
    // Node looks for late requests only as often as the interval says.
    const { handshakeMs } = this.#host.resolved.limits;
    const timeouts = {
      headersTimeout: handshakeMs,
      connectionsCheckingInterval: Math.min(handshakeMs, MOST_CHECK_MS),
    };
    const http = secure
      ? createTlsServer({ ...tls, handshakeTimeout: handshakeMs, ...timeouts }, refuseRequest)
      : createServer(timeouts, refuseRequest);
    const detach = this.attach(http, url.pathname);
    await new Promise<void>((resolve, reject) => {
      const fail = (cause: Error) => reject(addressError("listen on", address, cause));
      http.once("error", fail);
      http.listen(
        { host: hostOf(url), port: Number(url.port || (secure ? 443 : 80)), backlog: BACKLOG },
        () => {
          http.removeListener("error", fail);
          http.on("error", () => {}); // a connection that cannot be accepted harms no other
          resolve();
        },
      );
    });
    const raw: Set<Socket> = new Set();
    if (secure) {
      http.on("tlsClientError", (_error, socket) => socket.destroy()); // harms no other client
      // Those in the TLS handshake are no connections yet to `closeAllConnections`.
      http.on("connection", (socket) => {
        raw.add(socket);
        socket.once("close", () => raw.delete(socket));
      });
    }
    url.port = String((http.address() as AddressInfo).port);
    let closed: Promise<void> | undefined;
    return {
      url: url.href,
      stop: () => {
        detach();
        closed = new Promise((resolve) => http.close(() => resolve()));
      },
      finish: () => {
        http.closeAllConnections();
        for (const socket of raw) socket.destroy();
        return Promise.resolve(closed);
      },
    };
  }

  /** Take the upgrade requests for `path` of a server that exists. @returns what stops that. */
  attach(http: HttpServer, path: string): () => void {
    const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      const [target] = (request.url ?? "").split("?", 1);
      if (target === path) this.#upgrade(request, socket, head);
      // Nobody else can take it, and a socket that is left alone stays open.
      else if (http.listenerCount("upgrade") === 1) refuse(socket, NOT_FOUND);
    };
    http.on("upgrade", onUpgrade);
    return () => http.removeListener("upgrade", onUpgrade);
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const address = request.socket.remoteAddress ?? "";
    const refusal = this.#host.check(request.headers, address) ?? checkProtocol(request);
    if (refusal !== undefined) {
      refuse(socket, refusal);
      return;
    }
    const place = this.#host.enter(address);
    socket.once("close", place.leave);
    this.#upgrades.handleUpgrade(request, socket, head, (webSocket) => {
      this.#host.accept(new WsTransport(webSocket), request, place);
    });
  }
}

function refuseRequest(_request: IncomingMessage, response: ServerResponse): void {
  response
    .writeHead(426, { "content-type": "text/plain", upgrade: "websocket" })
    .end("Upgrade to WebSocket\n");
}

/** A client that names subprotocols must name ours; one that names none is told by HELLO what this is. */
function checkProtocol(request: IncomingMessage): Refusal | undefined {
  const offered = request.headers["sec-websocket-protocol"];
  if (offered === undefined || offered.split(",").some((name) => name.trim() === SUBPROTOCOL))
    return undefined;
  return { status: 400, reason: `Subprotocol must be ${SUBPROTOCOL}` };
}

function refuse(socket: Duplex, { status, reason }: Refusal): void {
  const head = `HTTP/1.1 ${status} ${reason}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`;
  socket.on("error", () => {});
  socket.end(head, () => socket.destroy());
}
