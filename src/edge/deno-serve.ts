import { SUBPROTOCOL } from "../core/wire/hello.ts";
import { claimPlace, type Withdraw } from "../ipc/claim-place.ts";
import { ipcPlace } from "../ipc/ipc-path.ts";
import { type HostOptions, type Listeners, type Server, SessionHost } from "../rpc/host.ts";
import { HostedServer, listenOnAll, OpenConnections } from "../rpc/hosted-server.ts";
import {
  listenOn,
  parseSocketAddress,
  parseWebAddress,
  type SocketAddress,
  withPort,
} from "../transports/socket-address.ts";
import { ALPN, requireTls, type ServerTls } from "../transports/tls-options.ts";
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
  denoNamespace,
} from "./deno-namespace.ts";
import { DenoTransport } from "./deno-transport.ts";
import { nativeSha256 } from "./native.ts";

/** How a Deno server takes sessions. */
export interface DenoServeOptions extends HostOptions<ClientRequest> {
  /**
   * Addresses: `ws://host:port` and `wss://host:port`, with a path or not, `tcp://host:port`, `tls://host:port`,
   * `ipc:name` or `unix:/path`; port 0 takes a free one. Without any, requests come by {@link DenoServer.handle} alone.
   */
  readonly listen?: readonly string[];
  /** Certificate and key, for `tls:` and `wss:` addresses. */
  readonly tls?: ServerTls;
  /**
   * False: no native code in the place of what every runtime has, as with `TIDEWAY_NATIVE=0` for the whole process.
   * Concerns the SHA-256 of resume tokens. Default true.
   */
  readonly native?: boolean;
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
/** How long the end of an HTTP server is waited for, ms. */
const SHUTDOWN_MS = 1_000;
const ACCEPT_PAUSE_MS = 50;

/**
 * Serve sessions over WebSocket, TCP and Unix sockets, with TLS or not.
 * @returns when every address listens.
 * @throws {TransportError} when an address cannot be had. {@link TypeError} for one that is not understood.
 */
export async function serve(options: DenoServeOptions): Promise<DenoServer> {
  const listeners = new DenoListeners(options);
  const hosted = new HostedServer(listeners.host, listeners.urls, listeners);
  const server = Object.assign(hosted, {
    handle: (request: Request, info?: DenoRequestInfo) => listeners.upgrade(request, info, undefined),
  });
  await listenOnAll(server, options.listen ?? [], (address) => listeners.listen(address));
  return server;
}

/** Listeners of Deno. */
class DenoListeners implements Listeners {
  readonly urls: string[] = [];
  readonly host: SessionHost<ClientRequest>;
  readonly #options: DenoServeOptions;
  readonly #connections: OpenConnections<ClientRequest>;
  readonly #https: DenoHttpServer[] = [];
  readonly #listeners: DenoListener[] = [];
  /** Takes away the files of Unix sockets. */
  readonly #withdraws: Withdraw[] = [];

  constructor(options: DenoServeOptions) {
    this.#options = options;
    this.host = new SessionHost(options, nativeSha256(options.native));
    this.#connections = new OpenConnections(this.host);
  }

  listen(address: string): Promise<void> {
    return listenOn(address, {
      socket: (address) => this.#listenSocket(address),
      web: (address) => this.#listenHttp(address),
    });
  }

  #listenHttp(address: string): void {
    const { url, secure, hostname, port } = parseWebAddress(address);
    const http = denoNamespace().serve(
      {
        hostname,
        port,
        onListen: () => {},
        ...(secure ? pem(requireTls(address, this.#options.tls)) : {}),
      },
      (request, info) => this.upgrade(request, info, url.pathname),
    );
    this.#https.push(http);
    url.port = String(http.addr.port);
    this.urls.push(url.href);
  }

  /** Answer an upgrade request. @param path - the one that is served; `undefined` for every path */
  upgrade(request: Request, info: DenoRequestInfo | undefined, path: string | undefined): Response {
    const address = info?.remoteAddr.hostname ?? "";
    const refusal = upgradeProblem(request, path) ?? this.host.check(headOf(request), address);
    if (refusal !== undefined) return refusalResponse(refusal);
    const { socket, response } = denoNamespace().upgradeWebSocket(request, {
      idleTimeout: IDLE_TIMEOUT_S,
      ...(offersTideway(request) ? { protocol: SUBPROTOCOL } : {}),
    });
    const place = this.#connections.enter(address);
    const { url, headers } = request;
    socket.addEventListener("open", () => {
      this.host.accept(new WebSocketTransport(socket), { url, headers, address }, place);
    });
    socket.addEventListener("close", () => place.leave());
    return response;
  }

  async #listenSocket(address: string): Promise<void> {
    const listener = await this.#openSocket(address, parseSocketAddress(address, "listen on"));
    this.#listeners.push(listener);
    const url = withPort(address, listener.addr.port);
    this.urls.push(url);
    void this.#acceptAll(listener, url);
  }

  async #openSocket(text: string, address: SocketAddress): Promise<DenoListener> {
    const deno = denoNamespace();
    switch (address.kind) {
      case "tcp":
        return deno.listen({ hostname: address.hostname, port: address.port });
      case "tls":
        return deno.listenTls({
          hostname: address.hostname,
          port: address.port,
          alpnProtocols: ALPN,
          ...pem(requireTls(text, this.#options.tls)),
        });
      case "unix": {
        const listener = deno.listen({ transport: "unix", path: address.path });
        this.#withdraws.push(() => removeQuietly(address.path));
        return listener;
      }
      case "ipc":
        return this.#openIpc(address.name);
    }
  }

  async #openIpc(name: string): Promise<DenoListener> {
    const place = ipcPlace(name);
    if (place.kind === "pipe") throw new Error("Deno has no named pipes");
    let listener: DenoListener | undefined;
    try {
      const listen = (path: string) => {
        listener = denoNamespace().listen({ transport: "unix", path });
      };
      this.#withdraws.push(await claimPlace(place, listen));
    } catch (error) {
      listener?.close();
      throw error;
    }
    return listener as unknown as DenoListener; // `listen` was called
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
    if (this.host.check(undefined, address) !== undefined) {
      conn.close();
      return;
    }
    const place = this.#connections.enter(address);
    const transport = new DenoTransport(conn, { onClosed: () => place.leave() });
    this.host.accept(transport, { url, headers: new Headers(), address }, place);
  }

  stop(): void {
    // An HTTP server goes on, and the host refuses: `shutdown` would cut the WebSockets that are open.
    for (const listener of this.#listeners.splice(0)) listener.close();
    for (const withdraw of this.#withdraws.splice(0)) withdraw();
  }

  async finish(): Promise<void> {
    await this.#connections.end(CLOSE_GRACE_MS);
    // It waits for clients in the TLS handshake, too, for as long as they like.
    await Promise.race([Promise.all(this.#https.map((http) => http.shutdown())), sleep(SHUTDOWN_MS)]);
    for (const http of this.#https) http.unref();
    this.#connections.leaveAll();
  }
}

/** Of what was given for TLS, no more than Deno is to know. */
function pem({ cert, key }: ServerTls): ServerTls {
  return { cert, key };
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
