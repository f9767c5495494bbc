import { randomBytes } from "node:crypto";
import { messageOf, TransportError } from "../core/errors.ts";
import { type HostOptions, type Listeners, type Server, SessionHost } from "../rpc/host.ts";
import { HostedServer, OpenConnections } from "../rpc/hosted-server.ts";
import { acceptLane, WebTransportTransport } from "../transports/webtransport.ts";
import { nativeSha256 } from "./native.ts";
import { loadPackage, type PackageServer, type PackageSession, WINDOWS } from "./webtransport-package.ts";

/** The request that opened a session. */
export interface WebTransportRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Host and port of the client. */
  readonly address: string;
}

/** How a Node server takes WebTransport sessions. */
export interface WebTransportServeOptions extends HostOptions<WebTransportRequest> {
  /** `https://host:port/path`; port 0 takes a free one. */
  readonly listen: string;
  /** Certificate and key, PEM. */
  readonly cert: string;
  readonly key: string;
  /** HTTP/2 instead of HTTP/3: without UDP, and without the native addon. Default false. */
  readonly reliable?: boolean;
  /**
   * False: no native code in the place of what every runtime has, as with `TIDEWAY_NATIVE=0` for the whole process.
   * Concerns the SHA-256 of resume tokens. Default true.
   */
  readonly native?: boolean;
}

/** How long `close` waits for connections whose peer does not answer, ms. */
const CLOSE_GRACE_MS = 5_000;

/**
 * Serve sessions over WebTransport. The package `@fails-components/webtransport` must be installed, for HTTP/3 its
 * addon too. A server for WebSocket that shares the `SessionStore` takes the same sessions: clients move between both.
 * @returns when it listens.
 * @throws {TransportError} when the address cannot be had, or a package is missing.
 */
export async function serveWebTransport(options: WebTransportServeOptions): Promise<Server> {
  const url = URL.canParse(options.listen) ? new URL(options.listen) : undefined;
  if (url?.protocol !== "https:" || url.hostname === "")
    throw new TypeError(`Cannot listen on ${options.listen}: expected https://host:port, with a path or not`);
  const { Http2Server, Http3Server } = await loadPackage(options.reliable === true);
  const Listener = options.reliable === true ? Http2Server : Http3Server;
  const listener = new Listener({
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: Number(url.port || 443),
    secret: randomBytes(32).toString("hex"),
    cert: options.cert,
    privKey: options.key,
    ...WINDOWS,
  });
  const sessions = listener.sessionStream(url.pathname);
  listener.startServer();
  try {
    await listener.ready;
  } catch (cause) {
    const reason = messageOf(cause);
    throw new TransportError(`Cannot listen on ${options.listen}: ${reason}`, { cause });
  }
  url.port = String(listener.address()?.port ?? url.port);
  const host = new SessionHost(options, nativeSha256(options.native));
  return new HostedServer(host, [url.href], new WebTransportListener(host, url, listener, sessions));
}

/** Takes the sessions of a server of the package. */
class WebTransportListener implements Listeners {
  readonly #host: SessionHost<WebTransportRequest>;
  readonly #connections: OpenConnections<WebTransportRequest>;
  readonly #listener: PackageServer;
  readonly #open: Set<PackageSession> = new Set();

  constructor(
    host: SessionHost<WebTransportRequest>,
    url: URL,
    listener: PackageServer,
    sessions: ReadableStream<PackageSession>,
  ) {
    this.#host = host;
    this.#connections = new OpenConnections(host);
    this.#listener = listener;
    void this.#acceptAll(sessions, url.href);
  }

  async #acceptAll(sessions: ReadableStream<PackageSession>, url: string): Promise<void> {
    for await (const session of sessions) this.#accept(session, url);
  }

  #accept(session: PackageSession, url: string): void {
    const { header = {}, peerAddress = "" } = session;
    const address = peerAddress.replace(/:\d+$/, "");
    const origin = header["origin"];
    // The package's own client puts its host name there; what a browser puts there is an origin or "null".
    const named = origin?.includes("://") || origin === "null" ? origin : undefined;
    const refusal = this.#host.check({ host: header[":authority"], origin: named }, address);
    if (refusal !== undefined) {
      session.closed.catch(() => {});
      session.close({ closeCode: 4_000 + refusal.status, reason: refusal.reason });
      return;
    }
    const place = this.#connections.enter(address);
    const leave = () => {
      this.#open.delete(session);
      place.leave();
    };
    this.#open.add(session);
    session.closed.then(leave, leave);
    session.ready.then(() => {
      const transport = new WebTransportTransport(session, acceptLane(session));
      this.#host.accept(transport, { url, headers: header, address: peerAddress }, place);
    }, leave);
  }

  stop(): void {} // the host refuses from now on

  async finish(): Promise<void> {
    await this.#connections.end(CLOSE_GRACE_MS);
    for (const session of this.#open) session.close({ closeCode: 1_000, reason: "" });
    this.#listener.stopServer();
  }
}
