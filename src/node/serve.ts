import { createHash } from "node:crypto";
import { createServer, type Server as HttpServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { WebSocketServer } from "ws";
import { BufferPool } from "../core/buffer-pool.ts";
import type { Bytes } from "../core/bytes.ts";
import { TransportError, WireError } from "../core/errors.ts";
import { SUBPROTOCOL } from "../core/hello.ts";
import { RECORD_SLACK_BYTES } from "../core/limits.ts";
import type { Service } from "../rpc/service.ts";
import { type AcceptOptions, type AuthenticateRequest, acceptWith } from "../session/accept.ts";
import { type ResolvedOptions, resolveOptions } from "../session/options.ts";
import type { Session } from "../session/session.ts";
import { SessionStore, type SessionStoreOptions } from "../session/store.ts";
import { Admission, type AdmissionOptions, type Refusal } from "./admission.ts";
import { WsTransport } from "./ws-transport.ts";

/** What a client brings, with the request that it came by. */
export interface NodeAuthenticateRequest extends AuthenticateRequest {
  /** The upgrade request: address, headers, cookies. */
  readonly request: IncomingMessage;
}

/** How a Node server takes sessions. */
export interface ServeOptions extends Omit<AcceptOptions, "authenticate" | "store">, AdmissionOptions {
  /**
   * How sessions are kept whose connection was lost: bounds, or a store that several servers of this process share.
   * `false`: they are not. Default: the bounds of `DEFAULT_RESUME_LIMITS`.
   */
  readonly resume?: SessionStore | SessionStoreOptions | false;
  /** See {@link AcceptOptions.authenticate}. */
  readonly authenticate?: (request: NodeAuthenticateRequest) => unknown;
  /** Addresses: `ws://host:port`, with a path where others share the port; port 0 takes a free one. */
  readonly listen?: readonly string[];
  /** HTTP servers that exist already: upgrade requests for `path` are taken, all else is left alone. */
  readonly attach?: readonly HttpServer[];
  /** Path of upgrade requests on attached servers. Default `/`. */
  readonly path?: string;
  /** Handlers of calls, attached to every session. */
  readonly services?: readonly Service[];
}

/** Ways to close a server. */
export interface ServerCloseOptions {
  /** How long open streams may go on, ms. Default 10,000. */
  readonly drainMs?: number;
  /**
   * How long clients should wait before they connect again, ms; each is told a random time of up to `spreadMs` more,
   * so that they do not all come to the next server at once. Default 0 and 1,000.
   */
  readonly reconnectMs?: number;
  readonly spreadMs?: number;
}

/** A server that listens. */
export interface Server {
  /** Where it listens, with the ports it got: one URL for each entry of `listen`. */
  readonly urls: readonly string[];
  /** The sessions that were let in. */
  readonly sessions: ReadonlySet<Session>;
  /** Open connections, those included that are not let in yet. */
  readonly connections: number;
  /** Where sessions are kept whose connection was lost; `undefined` when none is. */
  readonly store: SessionStore | undefined;
  /** Take no new connections, let open streams end for a while, then close every session. */
  close(options?: ServerCloseOptions): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

const DEFAULT_DRAIN_MS = 10_000;
const DEFAULT_SPREAD_MS = 1_000;
const DRAIN_CHECK_MS = 20;
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
  readonly sessions: Set<Session> = new Set();
  readonly store: SessionStore | undefined;
  readonly #options: ServeOptions;
  readonly #resolved: ResolvedOptions;
  readonly #admission: Admission;
  readonly #upgrades: WebSocketServer;
  readonly #own: HttpServer[] = [];
  readonly #detach: (() => void)[] = [];
  /** Sessions that are not let in yet, too. */
  readonly #all: Set<Session> = new Set();
  #closing: Promise<void> | undefined;

  constructor(options: ServeOptions) {
    this.#options = options;
    const { resume = {}, clock } = options;
    if (resume instanceof SessionStore) this.store = resume;
    else if (resume !== false)
      this.store = new SessionStore({ digest: sha256, ...(clock === undefined ? {} : { clock }), ...resume });
    this.#resolved = resolveOptions({ pool: new BufferPool(), ...options });
    this.#admission = new Admission(options);
    this.#upgrades = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: this.#resolved.limits.maxFrameBytes + RECORD_SLACK_BYTES,
      handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
    });
  }

  get connections(): number {
    return this.#admission.open;
  }

  async listen(address: string): Promise<void> {
    const url = parseAddress(address);
    // Node looks for late requests only as often as the interval says.
    const { handshakeMs } = this.#resolved.limits;
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
    const refusal =
      this.#closing === undefined
        ? (this.#admission.check(request) ?? checkProtocol(request))
        : ({ status: 503, reason: "Server is closing" } as const);
    if (refusal !== undefined) {
      refuse(socket, refusal);
      return;
    }
    const place = this.#admission.enter(request.socket.remoteAddress ?? "");
    socket.once("close", place.leave);
    this.#upgrades.handleUpgrade(request, socket, head, (webSocket) => {
      this.#accept(new WsTransport(webSocket), request, place.letIn);
    });
  }

  #accept(transport: WsTransport, request: IncomingMessage, letIn: () => void): void {
    const { authenticate, onResume, onSession, services = [] } = this.#options;
    const session = acceptWith(
      transport,
      {
        ...(authenticate === undefined
          ? {}
          : { authenticate: (client) => authenticate({ ...client, request }) }),
        ...(this.store === undefined ? {} : { store: this.store }),
        onResume: (resumed) => {
          letIn();
          onResume?.(resumed);
        },
        onSession: (accepted) => {
          letIn();
          this.sessions.add(accepted);
          for (const service of services) service.attach(accepted);
          return onSession?.(accepted); // a promise where it is asynchronous
        },
      },
      this.#resolved,
    );
    this.#all.add(session);
    void session.closed.then(() => {
      this.#all.delete(session);
      this.sessions.delete(session);
    });
  }

  close(options: ServerCloseOptions = {}): Promise<void> {
    this.#closing ??= this.#close(options);
    return this.#closing;
  }

  async #close(options: ServerCloseOptions): Promise<void> {
    const { drainMs = DEFAULT_DRAIN_MS, reconnectMs = 0, spreadMs = DEFAULT_SPREAD_MS } = options;
    for (const detach of this.#detach) detach();
    const closed = this.#own.map((http) => new Promise((resolve) => http.close(resolve)));
    for (const session of this.sessions)
      session.goAway("Server is closing", reconnectMs + Math.floor(Math.random() * spreadMs));
    const end = performance.now() + drainMs;
    for (;;) {
      this.#endDetached();
      const busy = [...this.sessions].some((session) => session.mux.table.size > 0);
      if (!busy || performance.now() >= end) break;
      await new Promise((resolve) => setTimeout(resolve, DRAIN_CHECK_MS));
    }
    await Promise.all(
      [...this.#all].map((session) => session.shutDown("ERR_GOING_AWAY", "Server is closing")),
    );
    for (const http of this.#own) http.closeAllConnections();
    await Promise.all(closed);
    while (this.connections > 0) await new Promise((resolve) => setTimeout(resolve, DRAIN_CHECK_MS));
  }

  /** Nobody can come back to this server any more; to another one that shares its store they can. */
  #endDetached(): void {
    if (this.#options.resume instanceof SessionStore) return;
    const error = new WireError("ERR_GOING_AWAY", "Server is closing");
    for (const session of [...this.sessions]) if (session.state === "resuming") session.end(error);
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
