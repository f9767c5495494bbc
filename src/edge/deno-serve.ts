import { TransportError } from "../core/errors.ts";
import { SUBPROTOCOL } from "../core/hello.ts";
import { type HostOptions, type Server, type ServerCloseOptions, SessionHost } from "../rpc/host.ts";
import type { Place } from "../session/admission.ts";
import type { Session } from "../session/session.ts";
import type { SessionStore } from "../session/store.ts";
import { isSocketAddress, parseSocketAddress } from "../transports/socket-address.ts";
import {
  type ClientRequest,
  headOf,
  offersTideway,
  refusalResponse,
  upgradeProblem,
} from "../transports/upgrade-request.ts";
import { WebSocketTransport } from "../transports/websocket.ts";
import {
  type DenoConn,
  type DenoHttpServer,
  type DenoListener,
  type DenoRequestInfo,
  type DenoTarget,
  denoNamespace,
} from "./deno-namespace.ts";
import { DenoTransport } from "./deno-transport.ts";

/** How a Deno server takes sessions. */
export interface DenoServeOptions extends HostOptions<ClientRequest> {
  /**
   * Addresses: `ws://host:port`, with a path where others share the port, `tcp://host:port` or `unix:/path`; port 0
   * takes a free one. Without any, requests come by {@link DenoServer.handle} alone.
   */
  readonly listen?: readonly string[];
}

/** A Deno server that listens. */
export interface DenoServer extends Server {
  /** Take an upgrade request from a `Deno.serve` of your own. @returns the response: 101, or why not. */
  handle(request: Request, info?: DenoRequestInfo): Response;
}

/**
 * Silence after which the runtime asks a WebSocket by itself, and ends it when no answer comes, s. The protocol does so
 * much sooner; this is for sockets whose peer does not answer our close.
 */
const IDLE_TIMEOUT_S = 30;
/** How long `close` waits for connections whose peer does not answer, ms. */
const CLOSE_GRACE_MS = 5_000;
const CLOSE_CHECK_MS = 10;
const ACCEPT_PAUSE_MS = 50;

/**
 * Serve sessions over WebSocket, TCP and Unix sockets.
 * @returns when every address listens.
 * @throws {TransportError} when an address cannot be had. {@link TypeError} for one that is not understood.
 */
export async function serve(options: DenoServeOptions): Promise<DenoServer> {
  const server = new DenoSessions(options);
  try {
    for (const address of options.listen ?? []) server.listen(address);
  } catch (error) {
    await server.close({ drainMs: 0 });
    throw error;
  }
  return server;
}

/** Listeners of Deno and the sessions on them. */
class DenoSessions implements DenoServer {
  readonly urls: string[] = [];
  readonly #host: SessionHost<ClientRequest>;
  readonly #https: DenoHttpServer[] = [];
  readonly #listeners: DenoListener[] = [];
  /** Unix sockets, which leave a file behind. */
  readonly #paths: string[] = [];
  readonly #open: Set<Place> = new Set();

  constructor(options: DenoServeOptions) {
    this.#host = new SessionHost(options);
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

  listen(address: string): void {
    try {
      if (isSocketAddress(address)) this.#listenSocket(address);
      else this.#listenHttp(address);
    } catch (cause) {
      if (cause instanceof TypeError) throw cause;
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new TransportError(`Cannot listen on ${address}: ${reason}`, { cause });
    }
  }

  handle(request: Request, info?: DenoRequestInfo): Response {
    return this.#upgrade(request, info, undefined);
  }

  #listenHttp(address: string): void {
    const url = URL.canParse(address) ? new URL(address) : undefined;
    if (url?.protocol !== "ws:" || url.hostname === "")
      throw new TypeError(
        `Cannot listen on ${address}: expected ws://host:port, tcp://host:port or unix:/path`,
      );
    const http = denoNamespace().serve(
      {
        hostname: url.hostname.replace(/^\[|\]$/g, ""),
        port: Number(url.port || 80),
        onListen: () => {},
      },
      (request, info) => this.#upgrade(request, info, url.pathname),
    );
    this.#https.push(http);
    url.port = String(http.addr.port);
    this.urls.push(url.href);
  }

  #upgrade(request: Request, info: DenoRequestInfo | undefined, path: string | undefined): Response {
    const address = info?.remoteAddr.hostname ?? "";
    const refusal = upgradeProblem(request, path) ?? this.#host.check(headOf(request), address);
    if (refusal !== undefined) return refusalResponse(refusal);
    const { socket, response } = denoNamespace().upgradeWebSocket(request, {
      idleTimeout: IDLE_TIMEOUT_S,
      ...(offersTideway(request) ? { protocol: SUBPROTOCOL } : {}),
    });
    const place = this.#enter(address);
    const { url, headers } = request;
    socket.addEventListener("open", () => {
      this.#host.accept(new WebSocketTransport(socket), { url, headers, address }, place);
    });
    socket.addEventListener("close", () => place.leave());
    return response;
  }

  #listenSocket(address: string): void {
    const where = parseSocketAddress(address, "listen on");
    const target: DenoTarget = where.kind === "unix" ? { transport: "unix", path: where.path } : where;
    const listener = denoNamespace().listen(target);
    this.#listeners.push(listener);
    if (where.kind === "unix") this.#paths.push(where.path);
    const url = where.kind === "unix" ? address : address.replace(/:\d+(?=\/?$)/, `:${listener.addr.port}`);
    this.urls.push(url);
    void this.#acceptAll(listener, url);
  }

  async #acceptAll(listener: DenoListener, url: string): Promise<void> {
    for (;;) {
      let conn: DenoConn;
      try {
        conn = await listener.accept();
      } catch {
        if (!this.#listeners.includes(listener)) return; // it was closed
        await sleep(ACCEPT_PAUSE_MS); // out of files: others may end
        continue;
      }
      this.#acceptConn(conn, url);
    }
  }

  #acceptConn(conn: DenoConn, url: string): void {
    const address = conn.remoteAddr.hostname ?? "";
    if (this.#host.check(undefined, address) !== undefined) {
      conn.close();
      return;
    }
    const place = this.#enter(address);
    const transport = new DenoTransport(conn, { onClosed: () => place.leave() });
    this.#host.accept(transport, { url, headers: new Headers(), address }, place);
  }

  #enter(address: string): Place {
    const { letIn, leave } = this.#host.enter(address);
    const place: Place = {
      letIn,
      leave: () => {
        this.#open.delete(place);
        leave();
      },
    };
    this.#open.add(place);
    return place;
  }

  close(options: ServerCloseOptions = {}): Promise<void> {
    return this.#host.close(options, {
      stop: () => {
        // An HTTP server goes on, and the host refuses: `shutdown` would cut the WebSockets that are open.
        for (const listener of this.#listeners.splice(0)) listener.close();
        for (const path of this.#paths) removeQuietly(path);
      },
      finish: async () => {
        const end = performance.now() + CLOSE_GRACE_MS;
        while (this.#open.size > 0 && performance.now() < end) await sleep(CLOSE_CHECK_MS);
        await Promise.all(this.#https.map((http) => http.shutdown()));
        for (const place of this.#open) place.leave();
      },
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function removeQuietly(path: string): void {
  try {
    denoNamespace().removeSync(path);
  } catch {
    // Deno has removed it, or somebody else.
  }
}
