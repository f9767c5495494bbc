import type { Server as HttpServer } from "node:http";
import type { TlsOptions } from "node:tls";
import type { MethodTree } from "../rpc/contract.ts";
import { type HostOptions, type Listeners, type Server, SessionHost } from "../rpc/host.ts";
import { HostedServer, listenOnAll } from "../rpc/hosted-server.ts";
import type { AuthenticateRequest } from "../session/accept.ts";
import type { WorkerPool } from "../threads/pool/pool.ts";
import { parseAddress } from "./address.ts";
import { listenOnSocket } from "./listen-socket.ts";
import { UpgradeListener } from "./listen-websocket.ts";
import type { Listener, NodeRequest } from "./listener.ts";
import { nativeSha256 } from "./native.ts";
import { openWorkers, type ServeWorkersOptions } from "./pool.ts";
import type { SocketOptions } from "./socket-transport.ts";

export type { Server };

/** What a client brings, with what it came by: address, headers, cookies, certificate. */
export type NodeAuthenticateRequest = AuthenticateRequest & { readonly request: NodeRequest };

/** How a Node server takes sessions. */
export interface ServeOptions extends HostOptions<NodeRequest> {
  /**
   * Addresses: `ws://host:port` and `wss://host:port`, with a path where others share the port, `tcp://host:port`,
   * `tls://host:port` and `ipc:name`. Port 0 takes a free one.
   */
  readonly listen?: readonly string[];
  /** HTTP servers that exist already: upgrade requests for `path` are taken, all else is left alone. */
  readonly attach?: readonly HttpServer[];
  /** Path of upgrade requests on attached servers. Default `/`. */
  readonly path?: string;
  /** Certificate, key and all else of TLS, for `tls:` and `wss:` addresses. */
  readonly tls?: TlsOptions;
  /** How the sockets of `tcp:`, `tls:` and `ipc:` are used. */
  readonly socket?: SocketOptions;
  /**
   * False: no native code in the place of what every runtime has, as with `TIDEWAY_NATIVE=0` for the whole process.
   * Concerns the SHA-256 of resume tokens, and `vectored` of `socket`. Default true.
   */
  readonly native?: boolean;
  /** Calls that run in worker threads, so that they keep nobody from the sockets. The pool ends with the server. */
  readonly workers?: ServeWorkersOptions;
}

/** A server in Node. */
export interface NodeServer extends Server {
  /** The workers that {@link ServeOptions.workers} has asked for. */
  readonly workers: WorkerPool<MethodTree> | undefined;
}

/**
 * Serve sessions over WebSocket, TCP, TLS and IPC.
 * @returns when every address listens.
 * @throws {TransportError} when an address cannot be had. {@link TypeError} for one that is not understood. What a
 *   worker fails to start with.
 */
export async function serve(options: ServeOptions): Promise<NodeServer> {
  const workers = options.workers === undefined ? undefined : await openWorkers(options.workers);
  const services = [...(options.services ?? []), ...(workers === undefined ? [] : [workers.service])];
  const listeners = new NodeListeners({ ...options, services }, workers?.pool);
  const hosted = new HostedServer(listeners.host, listeners.urls, listeners);
  const server = Object.assign(hosted, { workers: workers?.pool });
  await listenOnAll(server, options.listen ?? [], (address) => listeners.listen(address));
  for (const http of options.attach ?? []) listeners.attach(http, options.path ?? "/");
  return server;
}

/** Listeners of every kind. */
class NodeListeners implements Listeners {
  readonly urls: string[] = [];
  readonly host: SessionHost<NodeRequest>;
  readonly #options: ServeOptions;
  readonly #workers: WorkerPool<MethodTree> | undefined;
  readonly #upgrades: UpgradeListener;
  readonly #listeners: Listener[] = [];
  readonly #detach: (() => void)[] = [];

  constructor(options: ServeOptions, workers: WorkerPool<MethodTree> | undefined) {
    this.#options = options;
    this.#workers = workers;
    this.host = new SessionHost(options, nativeSha256(options.native));
    this.#upgrades = new UpgradeListener(this.host);
  }

  async listen(text: string): Promise<void> {
    const address = parseAddress(text, "listen on");
    const listener = await (address.kind === "websocket"
      ? this.#upgrades.listen(text, address.url, this.#options.tls)
      : listenOnSocket(address, this.host, this.#options));
    this.#listeners.push(listener);
    this.urls.push(listener.url);
  }

  attach(http: HttpServer, path: string): void {
    this.#detach.push(this.#upgrades.attach(http, path));
  }

  stop(): void {
    for (const detach of this.#detach) detach();
    for (const listener of this.#listeners) listener.stop();
  }

  async finish(): Promise<void> {
    await Promise.all(this.#listeners.map((listener) => listener.finish()));
    await this.#workers?.close({ drainMs: 0 }); // whose calls have ended with their sessions
  }
}
