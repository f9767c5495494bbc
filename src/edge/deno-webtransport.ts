import { messageOf, TransportError } from "../core/errors.ts";
import { type HostOptions, type Listeners, type Server, SessionHost } from "../rpc/host.ts";
import { HostedServer, OpenConnections } from "../rpc/hosted-server.ts";
import type { ClientRequest } from "../transports/upgrade-request.ts";
import { acceptLane, type WebTransportSession, WebTransportTransport } from "../transports/webtransport.ts";
import { nativeSha256 } from "./native.ts";

/** How a Deno server takes WebTransport sessions. */
export interface DenoWebTransportOptions extends HostOptions<ClientRequest> {
  /** `https://host:port/path`; port 0 takes a free one. */
  readonly listen: string;
  /** Certificate and key, PEM. */
  readonly cert: string;
  readonly key: string;
  /**
   * False: no native code in the place of what every runtime has, as with `TIDEWAY_NATIVE=0` for the whole process.
   * Concerns the SHA-256 of resume tokens. Default true.
   */
  readonly native?: boolean;
}

interface CloseInfo {
  readonly closeCode: number;
  readonly reason: string;
}

/** A QUIC connection whose handshake has not begun. To read its address makes it useless (Deno 2.9.6). */
interface QuicIncoming {
  accept(): Promise<QuicConn>;
  refuse(): void;
}

interface QuicConn {
  readonly remoteAddr: { readonly hostname: string };
  close(info: CloseInfo): void;
}

interface QuicEndpoint {
  readonly addr: { readonly port: number };
  listen(options: {
    readonly cert: string;
    readonly key: string;
    readonly alpnProtocols: readonly string[];
  }): {
    incoming(): Promise<QuicIncoming>;
    stop(): void;
  };
  close(info?: CloseInfo): void;
}

type QuicListener = ReturnType<QuicEndpoint["listen"]>;

type AcceptedSession = WebTransportSession & { readonly ready: Promise<void>; readonly url: string };

/** What is used of the global `Deno`, which has it with `--unstable-net`. */
interface QuicNamespace {
  readonly QuicEndpoint?: new (options: { readonly hostname: string; readonly port: number }) => QuicEndpoint;
  upgradeWebTransport(conn: QuicConn): Promise<AcceptedSession>;
}

/** How long `close` waits for connections whose peer does not answer, ms. */
const CLOSE_GRACE_MS = 5_000;
const ACCEPT_PAUSE_MS = 10;
/** QUIC handshakes that run at a time: no more is known of them than that they are there. */
const MOST_HANDSHAKES = 1_000;
/** Application error codes of HTTP/3: nothing is wrong, and the request is refused. Source: RFC 9114, section 8.1. */
const NO_ERROR: CloseInfo = { closeCode: 0x100, reason: "" };
const REJECTED = 0x10b;

/**
 * Serve sessions over WebTransport, with `--unstable-net`. A `serve` that shares the `SessionStore` takes the same
 * sessions: clients move between both. What a client comes by has no headers here, so `origins` cannot be checked: let
 * clients show a token.
 * @returns when it listens.
 * @throws {TransportError} when the address cannot be had, or the runtime was started without the flag. {@link TypeError}
 *   for an address that is not understood.
 */
export async function serveWebTransport(options: DenoWebTransportOptions): Promise<Server> {
  const url = URL.canParse(options.listen) ? new URL(options.listen) : undefined;
  if (url?.protocol !== "https:" || url.hostname === "")
    throw new TypeError(`Cannot listen on ${options.listen}: expected https://host:port, with a path or not`);
  const deno = (globalThis as { readonly Deno?: QuicNamespace }).Deno;
  if (deno?.QuicEndpoint === undefined)
    throw new TransportError(`Cannot listen on ${options.listen}: start Deno with --unstable-net`);
  try {
    const hostname = url.hostname.replace(/^\[|\]$/g, "");
    const endpoint = new deno.QuicEndpoint({ hostname, port: Number(url.port || 443) });
    const { cert, key } = options;
    const listener = endpoint.listen({ cert, key, alpnProtocols: ["h3"] });
    url.port = String(endpoint.addr.port);
    const host = new SessionHost(options, nativeSha256(options.native));
    return new HostedServer(host, [url.href], new WebTransportListener(host, deno, url, endpoint, listener));
  } catch (cause) {
    const reason = messageOf(cause);
    throw new TransportError(`Cannot listen on ${options.listen}: ${reason}`, { cause });
  }
}

/** A QUIC endpoint that takes WebTransport sessions. */
class WebTransportListener implements Listeners {
  readonly #deno: QuicNamespace;
  readonly #url: URL;
  readonly #endpoint: QuicEndpoint;
  readonly #host: SessionHost<ClientRequest>;
  readonly #connections: OpenConnections<ClientRequest>;
  readonly #listener: QuicListener;
  #stopped = false;
  #handshakes = 0;

  constructor(
    host: SessionHost<ClientRequest>,
    deno: QuicNamespace,
    url: URL,
    endpoint: QuicEndpoint,
    listener: QuicListener,
  ) {
    this.#deno = deno;
    this.#url = url;
    this.#endpoint = endpoint;
    this.#listener = listener;
    this.#host = host;
    this.#connections = new OpenConnections(host);
    void this.#acceptAll();
  }

  async #acceptAll(): Promise<void> {
    while (!this.#stopped) {
      try {
        const incoming = await this.#listener.incoming();
        if (this.#stopped || this.#handshakes >= MOST_HANDSHAKES) incoming.refuse();
        else void this.#accept(incoming);
      } catch {
        if (!this.#stopped) await new Promise((resolve) => setTimeout(resolve, ACCEPT_PAUSE_MS));
      }
    }
  }

  async #accept(incoming: QuicIncoming): Promise<void> {
    this.#handshakes++;
    let conn: QuicConn | undefined;
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      conn?.close({ closeCode: REJECTED, reason: "Handshake took too long" });
    }, this.#host.resolved.limits.handshakeMs);
    try {
      conn = await incoming.accept();
      if (late) conn.close({ closeCode: REJECTED, reason: "Handshake took too long" });
      else await this.#upgrade(conn);
    } catch {
      conn?.close({ closeCode: REJECTED, reason: "" });
    } finally {
      this.#handshakes--;
      clearTimeout(timer);
    }
  }

  async #upgrade(conn: QuicConn): Promise<void> {
    const address = conn.remoteAddr.hostname;
    const refusal = this.#host.check(undefined, address);
    if (refusal !== undefined) return conn.close({ closeCode: REJECTED, reason: refusal.reason });
    const place = this.#connections.enter(address);
    try {
      const session = await this.#deno.upgradeWebTransport(conn);
      session.closed.then(place.leave, place.leave);
      await session.ready;
      const { host, pathname } = new URL(session.url);
      if (pathname !== this.#url.pathname) return session.close({ closeCode: 4_404, reason: "Not Found" });
      const refused = this.#host.checkHead({ host });
      if (refused !== undefined)
        return session.close({ closeCode: 4_000 + refused.status, reason: refused.reason });
      const transport = new WebTransportTransport(session, acceptLane(session));
      this.#host.accept(transport, { url: session.url, headers: new Headers(), address }, place);
    } catch (error) {
      place.leave();
      throw error;
    }
  }

  stop(): void {
    this.#stopped = true;
  }

  async finish(): Promise<void> {
    await this.#connections.end(CLOSE_GRACE_MS);
    this.#listener.stop();
    this.#endpoint.close(NO_ERROR);
    this.#connections.leaveAll();
  }
}
