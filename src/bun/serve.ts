import { RECORD_SLACK_BYTES } from "../core/limits.ts";
import { SUBPROTOCOL } from "../core/wire/hello.ts";
import { claimPlace, type Withdraw } from "../ipc/claim-place.ts";
import { ipcPlace } from "../ipc/ipc-path.ts";
import { type HostOptions, type Listeners, type Server, SessionHost } from "../rpc/host.ts";
import { HostedServer, listenOnAll, OpenConnections } from "../rpc/hosted-server.ts";
import type { Place } from "../session/admission.ts";
import { listenOn, parseSocketAddress, parseWebAddress, withPort } from "../transports/socket-address.ts";
import { requireTls, type ServerTls } from "../transports/tls-options.ts";
import {
  type ClientRequest,
  headOf,
  offersTideway,
  refusalResponse,
  upgradeProblem,
} from "../transports/upgrade-request.ts";
import {
  type BunHttpServer,
  type BunListener,
  type BunSocket,
  type BunTarget,
  type BunWebSocketHandler,
  bunNamespace,
} from "./bun-namespace.ts";
import { nativeSha256 } from "./native.ts";
import {
  type BunSocketData,
  type BunSocketHooks,
  BunSocketTransport,
  socketHandler,
} from "./socket-transport.ts";
import { BunWebSocketTransport } from "./websocket-transport.ts";

/** How a Bun server takes sessions. */
export interface BunServeOptions extends HostOptions<ClientRequest> {
  /**
   * Addresses: `ws://host:port` and `wss://host:port`, with a path or not, `tcp://host:port`, `tls://host:port`,
   * `ipc:name` or `unix:/path`; port 0 takes a free one.
   */
  readonly listen: readonly string[];
  /** Certificate and key, for `tls:` and `wss:` addresses. */
  readonly tls?: ServerTls;
  /**
   * False: no native code in the place of what every runtime has, as with `TIDEWAY_NATIVE=0` for the whole process.
   * Concerns the SHA-256 of resume tokens. Default true.
   */
  readonly native?: boolean;
}

/** What a WebSocket carries from its upgrade on. */
interface Upgraded {
  readonly request: ClientRequest;
  readonly place: Place;
  transport: BunWebSocketTransport | undefined;
}

/** Bytes that Bun keeps before it drops some: far more than a transport writes, which stops at its own mark. */
const BACKPRESSURE_LIMIT_BYTES = 64 * 1024 * 1024;
/** How long `close` waits for connections whose peer does not answer, ms: longer than transports wait themselves. */
const CLOSE_GRACE_MS = 6_000;

/**
 * Serve sessions over Bun's own WebSockets, over TCP and Unix sockets, with TLS or not.
 * @returns when every address listens.
 * @throws {TransportError} when an address cannot be had. {@link TypeError} for one that is not understood.
 */
export async function serve(options: BunServeOptions): Promise<Server> {
  const listeners = new BunListeners(options);
  const server = new HostedServer(listeners.host, listeners.urls, listeners);
  await listenOnAll(server, options.listen, (address) => listeners.listen(address));
  return server;
}

/** Listeners of Bun. */
class BunListeners implements Listeners {
  readonly urls: string[] = [];
  readonly host: SessionHost<ClientRequest>;
  readonly #options: BunServeOptions;
  readonly #connections: OpenConnections<ClientRequest>;
  readonly #https: BunHttpServer<Upgraded>[] = [];
  readonly #listeners: BunListener[] = [];
  /** Takes away the files of Unix sockets. */
  readonly #withdraws: Withdraw[] = [];
  #closed: Promise<void>[] = [];

  constructor(options: BunServeOptions) {
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
    const http = bunNamespace().serve<Upgraded>({
      hostname,
      port,
      ...(secure ? { tls: requireTls(address, this.#options.tls) } : {}),
      fetch: (request, server) => this.#upgrade(request, server, url.pathname),
      websocket: this.#webSockets(),
    });
    this.#https.push(http);
    url.port = String(http.port);
    this.urls.push(url.href);
  }

  #upgrade(request: Request, server: BunHttpServer<Upgraded>, path: string): Response | undefined {
    const address = server.requestIP(request)?.address ?? "";
    const refusal = upgradeProblem(request, path) ?? this.host.check(headOf(request), address);
    if (refusal !== undefined) return refusalResponse(refusal);
    const place = this.#connections.enter(address);
    const data: Upgraded = {
      request: { url: request.url, headers: new Headers(request.headers), address },
      place,
      transport: undefined,
    };
    const headers: Record<string, string> = offersTideway(request)
      ? { "sec-websocket-protocol": SUBPROTOCOL }
      : {};
    if (server.upgrade(request, { data, headers })) return undefined;
    place.leave();
    return refusalResponse({ status: 400, reason: "Cannot upgrade" });
  }

  #webSockets(): BunWebSocketHandler<Upgraded> {
    const { maxFrameBytes } = this.host.resolved.limits;
    return {
      idleTimeout: 0, // the protocol asks by itself
      sendPings: false,
      perMessageDeflate: false,
      maxPayloadLength: maxFrameBytes + RECORD_SLACK_BYTES,
      backpressureLimit: BACKPRESSURE_LIMIT_BYTES,
      open: (socket) => {
        const { request, place } = socket.data;
        const transport = new BunWebSocketTransport(socket);
        socket.data.transport = transport;
        this.host.accept(transport, request, place);
      },
      message: (socket, message) => socket.data.transport?.message(message),
      drain: (socket) => socket.data.transport?.drain(),
      close: (socket, code, reason) => {
        socket.data.place.leave();
        socket.data.transport?.closed(code, reason);
      },
    };
  }

  async #listenSocket(address: string): Promise<void> {
    const where = parseSocketAddress(address, "listen on");
    const name = where.kind === "ipc" || where.kind === "unix" ? "ipc" : "tcp";
    let url = address;
    const open = (target: BunTarget) => {
      const secure = where.kind === "tls";
      const listener: BunListener = bunNamespace().listen<BunSocketData>({
        ...target,
        ...(secure ? { tls: requireTls(address, this.#options.tls) } : {}),
        socket: socketHandler(this.#hooks(name, secure, () => url)),
        data: { transport: undefined },
        allowHalfOpen: true,
      });
      this.#listeners.push(listener);
      return listener;
    };
    if (where.kind === "ipc") {
      const place = ipcPlace(where.name);
      if (place.kind === "pipe") throw new Error("named pipes are not supported here");
      this.#withdraws.push(await claimPlace(place, (path) => void open({ unix: path })));
    } else if (where.kind === "unix") open({ unix: where.path });
    else url = withPort(address, open({ hostname: where.hostname, port: where.port }).port);
    this.urls.push(url);
  }

  #hooks(name: "tcp" | "ipc", secure: boolean, url: () => string): BunSocketHooks {
    const { handshakeMs } = this.host.resolved.limits;
    const waiting: Map<
      BunSocket<BunSocketData>,
      { readonly place: Place; readonly end: () => void }
    > = new Map();
    const addressOf = (socket: BunSocket<BunSocketData>) =>
      name === "tcp" ? (socket.remoteAddress ?? "") : "";
    return {
      secure,
      opened: (socket) => {
        const address = addressOf(socket);
        if (this.host.check(undefined, address) !== undefined) return undefined;
        const place = this.#connections.enter(address);
        const timer = setTimeout(() => socket.terminate(), handshakeMs);
        const end = () => {
          clearTimeout(timer);
          waiting.delete(socket);
        };
        waiting.set(socket, { place, end });
        return () => {
          end();
          place.leave();
        };
      },
      ready: (socket) => {
        const { place, end } = waiting.get(socket) ?? {};
        end?.();
        if (place === undefined) return undefined;
        const transport = new BunSocketTransport(socket, name, { onClosed: () => place.leave() });
        this.host.accept(
          transport,
          { url: url(), headers: new Headers(), address: addressOf(socket) },
          place,
        );
        return transport;
      },
    };
  }

  stop(): void {
    for (const withdraw of this.#withdraws.splice(0)) withdraw();
    for (const listener of this.#listeners) listener.stop();
    this.#closed = this.#https.map((http) => http.stop());
  }

  async finish(): Promise<void> {
    await this.#connections.end(CLOSE_GRACE_MS);
    this.#connections.leaveAll();
    for (const listener of this.#listeners) listener.stop(true);
    await Promise.allSettled([...this.#closed, ...this.#https.map((http) => http.stop(true))]);
  }
}
