import { TransportError } from "../core/errors.ts";
import { SUBPROTOCOL } from "../core/hello.ts";
import { RECORD_SLACK_BYTES } from "../core/limits.ts";
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
import {
  type BunHttpServer,
  type BunListener,
  type BunSocket,
  type BunWebSocketHandler,
  bunNamespace,
} from "./bun-namespace.ts";
import { type BunSocketData, BunSocketTransport, socketHandler } from "./socket-transport.ts";
import { BunWebSocketTransport } from "./websocket-transport.ts";

/** How a Bun server takes sessions. */
export interface BunServeOptions extends HostOptions<ClientRequest> {
  /**
   * Addresses: `ws://host:port`, with a path where others share the port, `tcp://host:port` or `unix:/path`; port 0
   * takes a free one.
   */
  readonly listen: readonly string[];
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
const CLOSE_CHECK_MS = 10;

/**
 * Serve sessions over Bun's own WebSockets, over TCP and Unix sockets.
 * @returns when every address listens.
 * @throws {TransportError} when an address cannot be had. {@link TypeError} for one that is not understood.
 */
export async function serve(options: BunServeOptions): Promise<Server> {
  const server = new BunSessions(options);
  try {
    for (const address of options.listen) server.listen(address);
  } catch (error) {
    await server.close({ drainMs: 0 });
    throw error;
  }
  return server;
}

/** Listeners of Bun and the sessions on them. */
class BunSessions implements Server {
  readonly urls: string[] = [];
  readonly #host: SessionHost<ClientRequest>;
  readonly #https: BunHttpServer<Upgraded>[] = [];
  readonly #listeners: BunListener[] = [];
  readonly #open: Set<Place> = new Set();

  constructor(options: BunServeOptions) {
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

  #listenHttp(address: string): void {
    const url = URL.canParse(address) ? new URL(address) : undefined;
    if (url?.protocol !== "ws:" || url.hostname === "")
      throw new TypeError(
        `Cannot listen on ${address}: expected ws://host:port, tcp://host:port or unix:/path`,
      );
    const http = bunNamespace().serve<Upgraded>({
      hostname: url.hostname.replace(/^\[|\]$/g, ""),
      port: Number(url.port || 80),
      fetch: (request, server) => this.#upgrade(request, server, url.pathname),
      websocket: this.#webSockets(),
    });
    this.#https.push(http);
    url.port = String(http.port);
    this.urls.push(url.href);
  }

  #upgrade(request: Request, server: BunHttpServer<Upgraded>, path: string): Response | undefined {
    const address = server.requestIP(request)?.address ?? "";
    const refusal = upgradeProblem(request, path) ?? this.#host.check(headOf(request), address);
    if (refusal !== undefined) return refusalResponse(refusal);
    const place = this.#enter(address);
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
    const { maxFrameBytes } = this.#host.resolved.limits;
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
        this.#host.accept(transport, request, place);
      },
      message: (socket, message) => socket.data.transport?.message(message),
      drain: (socket) => socket.data.transport?.drain(),
      close: (socket, code, reason) => {
        socket.data.place.leave();
        socket.data.transport?.closed(code, reason);
      },
    };
  }

  #listenSocket(address: string): void {
    const where = parseSocketAddress(address, "listen on");
    const listener: BunListener = bunNamespace().listen<BunSocketData>({
      ...(where.kind === "unix" ? { unix: where.path } : where),
      socket: socketHandler((socket) =>
        this.#acceptSocket(socket, where.kind === "unix" ? "ipc" : "tcp", url),
      ),
      data: { transport: undefined },
      allowHalfOpen: true,
    });
    this.#listeners.push(listener);
    const url: string =
      where.kind === "unix" ? address : address.replace(/:\d+(?=\/?$)/, `:${listener.port}`);
    this.urls.push(url);
  }

  #acceptSocket(
    socket: BunSocket<BunSocketData>,
    name: "tcp" | "ipc",
    url: string,
  ): BunSocketTransport | undefined {
    const address = name === "tcp" ? (socket.remoteAddress ?? "") : "";
    if (this.#host.check(undefined, address) !== undefined) {
      socket.terminate();
      return undefined;
    }
    const place = this.#enter(address);
    const transport = new BunSocketTransport(socket, name, { onClosed: () => place.leave() });
    this.#host.accept(transport, { url, headers: new Headers(), address }, place);
    return transport;
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
    let closed: Promise<void>[] = [];
    return this.#host.close(options, {
      stop: () => {
        for (const listener of this.#listeners) listener.stop();
        closed = this.#https.map((http) => http.stop());
      },
      finish: async () => {
        const end = performance.now() + CLOSE_GRACE_MS;
        while (this.#open.size > 0 && performance.now() < end)
          await new Promise((resolve) => setTimeout(resolve, CLOSE_CHECK_MS));
        for (const place of this.#open) place.leave();
        for (const listener of this.#listeners) listener.stop(true);
        await Promise.allSettled([...closed, ...this.#https.map((http) => http.stop(true))]);
      },
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
