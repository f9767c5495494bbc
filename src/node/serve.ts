import { createHash } from "node:crypto";
import { createServer, type Server as HttpServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { WebSocketServer } from "ws";
import type { Bytes } from "../core/bytes.ts";
import { TransportError } from "../core/errors.ts";
import { SUBPROTOCOL } from "../core/hello.ts";
import { RECORD_SLACK_BYTES } from "../core/limits.ts";
import { type HostOptions, type Server, type ServerCloseOptions, SessionHost } from "../rpc/host.ts";
import type { AuthenticateRequest } from "../session/accept.ts";
import type { Refusal } from "../session/admission.ts";
import type { Session } from "../session/session.ts";
import type { SessionStore } from "../session/store.ts";
import { WsTransport } from "./ws-transport.ts";

/** What a client brings, with the request that it came by: address, headers, cookies. */
export type NodeAuthenticateRequest = AuthenticateRequest & { readonly request: IncomingMessage };

/** How a Node server takes sessions. */
export interface ServeOptions extends HostOptions<IncomingMessage> {
  /** Addresses: `ws://host:port`, with a path where others share the port; port 0 takes a free one. */
  readonly listen?: readonly string[];
  /** HTTP servers that exist already: upgrade requests for `path` are taken, all else is left alone. */
  readonly attach?: readonly HttpServer[];
  /** Path of upgrade requests on attached servers. Default `/`. */
  readonly path?: string;
}

/** How often requests are looked for that take too long, ms. */
const MOST_CHECK_MS = 1_000;
const NOT_FOUND: Refusal = { status: 404, reason: "Not Found" };
/** Connections that the kernel keeps while the process is busy. */
const BACKLOG = 4_096;

/**
 * Serve sessions over WebSocket.
 * @returns when every address listens.
 * @throws {TransportError} when an address cannot be had. {@link TypeError} for one that is not understood.
 */
export async function serve(options: ServeOptions): Promise<Server> {
  const server = new WebSocketSessions(options);
  try {
    for (const address of options.listen ?? []) await server.listen(address);
  } catch (error) {
    await server.close({ drainMs: 0 });
    throw error;
  }
  for (const http of options.attach ?? []) server.attach(http, options.path ?? "/");
  return server;
}

/** WebSocket servers and the sessions on them. */
class WebSocketSessions implements Server {
  readonly urls: string[] = [];
  readonly #host: SessionHost<IncomingMessage>;
  readonly #upgrades: WebSocketServer;
  readonly #own: HttpServer[] = [];
  readonly #detach: (() => void)[] = [];

  constructor(options: ServeOptions) {
    this.#host = new SessionHost(options, sha256);
    this.#upgrades = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: this.#host.resolved.limits.maxFrameBytes + RECORD_SLACK_BYTES,
      handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
    });
  }

  get sessions(): ReadonlySet<Session> {
    return this.#host.sessions;
  }

  get store(): SessionStore | undefined {
    return this.#host.store;
  }

  get connections(): number {
    return this.#host.connections;
  }

  async listen(address: string): Promise<void> {
    const url = parseAddress(address);
    // Node looks for late requests only as often as the interval says.
    const { handshakeMs } = this.#host.resolved.limits;
    const timeouts = {
      headersTimeout: handshakeMs,
      connectionsCheckingInterval: Math.min(handshakeMs, MOST_CHECK_MS),
    };
    const http = createServer(timeouts, (_request, response) => {
      response
        .writeHead(426, { "content-type": "text/plain", upgrade: "websocket" })
        .end("Upgrade to WebSocket\n");
    });
    this.attach(http, url.pathname);
    this.#own.push(http);
    await new Promise<void>((resolve, reject) => {
      const fail = (cause: Error) =>
        reject(new TransportError(`Cannot listen on ${address}: ${cause.message}`, { cause }));
      http.once("error", fail);
      const host = url.hostname.replace(/^\[|\]$/g, "");
      http.listen({ host, port: Number(url.port || 80), backlog: BACKLOG }, () => {
        http.removeListener("error", fail);
        http.on("error", () => {}); // a connection that cannot be accepted harms no other
        url.port = String((http.address() as AddressInfo).port);
        this.urls.push(url.href);
        resolve();
      });
    });
  }

  attach(http: HttpServer, path: string): void {
    const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      const [target] = (request.url ?? "").split("?", 1);
      if (target === path) this.#upgrade(request, socket, head);
      // Nobody else can take it, and a socket that is left alone stays open.
      else if (http.listenerCount("upgrade") === 1) refuse(socket, NOT_FOUND);
    };
    http.on("upgrade", onUpgrade);
    this.#detach.push(() => http.removeListener("upgrade", onUpgrade));
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

  close(options: ServerCloseOptions = {}): Promise<void> {
    let closed: Promise<unknown>[] = [];
    return this.#host.close(options, {
      stop: () => {
        for (const detach of this.#detach) detach();
        closed = this.#own.map((http) => new Promise((resolve) => http.close(resolve)));
      },
      finish: () => {
        for (const http of this.#own) http.closeAllConnections();
        return Promise.all(closed);
      },
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function sha256(token: Bytes): Bytes {
  return new Uint8Array(createHash("sha256").update(token).digest());
}

/** @throws {TypeError} for an address that is not understood. */
function parseAddress(address: string): URL {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url?.protocol !== "ws:" || url.hostname === "") {
    throw new TypeError(`Cannot listen on ${address}: expected ws://host:port, with a path or not`);
  }
  return url;
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
