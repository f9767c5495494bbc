import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type TlsOptions, type Server as TlsServer } from "node:tls";
import type { Withdraw } from "../ipc/claim-place.ts";
import { ipcPlace } from "../ipc/ipc-path.ts";
import type { SessionHost } from "../rpc/host.ts";
import type { Place } from "../session/admission.ts";
import { ALPN } from "../transports/tls-options.ts";
import { addressError, type SocketAddress, urlOf } from "./address.ts";
import { listenOnIpc, listenOnPath } from "./listen-ipc.ts";
import { BACKLOG, type Listener, type NodeRequest } from "./listener.ts";
import {
  DEFAULT_SOCKET_OPTIONS,
  SocketTransport,
  type SocketUse,
  socketOptionsOf,
} from "./socket-transport.ts";

/** What a listener takes of the options of its server. */
export interface SocketListenOptions extends SocketUse {
  readonly tls?: TlsOptions;
}

/**
 * Listen for sessions on TCP, TLS or IPC.
 * @throws {TransportError} when the address cannot be had; {@link TypeError} for TLS without its options.
 */
export async function listenOnSocket(
  address: SocketAddress,
  host: SessionHost<NodeRequest>,
  options: SocketListenOptions,
): Promise<Listener> {
  const url = urlOf(address);
  if (address.kind === "tls" && options.tls === undefined)
    throw new TypeError(`Cannot listen on ${url}: tls is missing, with cert and key`);
  let listener: SocketListener | undefined;
  try {
    listener = new SocketListener(address, host, options);
    await listener.listen();
    return listener;
  } catch (cause) {
    listener?.stop();
    throw addressError("listen on", url, cause);
  }
}

class SocketListener implements Listener {
  url: string;
  readonly #address: SocketAddress;
  readonly #host: SessionHost<NodeRequest>;
  readonly #options: SocketListenOptions;
  readonly #server: Server;
  readonly #tls: TlsServer | undefined;
  readonly #sockets: Set<Socket> = new Set();
  /** Clients in the TLS handshake, by address and port: the socket that comes out of it is another object. */
  readonly #handshakes: Map<string, Place> = new Map();
  #withdraw: Withdraw | undefined;
  #closed: Promise<void> | undefined;

  constructor(address: SocketAddress, host: SessionHost<NodeRequest>, options: SocketListenOptions) {
    const { receiveBufferBytes } = { ...DEFAULT_SOCKET_OPTIONS, ...options.socket };
    this.url = urlOf(address);
    this.#address = address;
    this.#host = host;
    this.#options = options;
    this.#server = createServer({ highWaterMark: receiveBufferBytes }, (socket) => this.#enter(socket));
    if (address.kind === "tls") this.#tls = this.#openTls();
  }

  /** Never listens itself: it is handed the sockets that were let in. */
  #openTls(): TlsServer {
    const { handshakeMs } = this.#host.resolved.limits;
    const tls = createTlsServer(
      { ...this.#options.tls, ALPNProtocols: [...ALPN], handshakeTimeout: handshakeMs },
      (socket) => {
        const place = this.#handshakes.get(keyOf(socket));
        if (place === undefined) socket.destroy();
        else this.#accept(socket, place);
      },
    );
    tls.on("tlsClientError", (_error, socket) => socket.destroy()); // harms no other client
    return tls;
  }

  async listen(): Promise<void> {
    const address = this.#address;
    if (address.kind === "ipc") {
      const place = ipcPlace(address.name);
      if (place.kind === "pipe") await listenOnPath(this.#server, place.path);
      else this.#withdraw = await listenOnIpc(this.#server, place);
    } else this.url = urlOf({ ...address, port: await listenOnPort(this.#server, address) });
    this.#server.on("error", () => {}); // a connection that cannot be accepted harms no other
  }

  #enter(socket: Socket): void {
    socket.on("error", () => {}); // the transport tells of it, if there is one by then
    // Who has gone again by now has no address, and who comes by IPC never had one.
    const address = this.#address.kind === "ipc" ? this.url : socket.remoteAddress;
    if (address === undefined || this.#host.check(undefined, address) !== undefined) {
      socket.destroy();
      return;
    }
    const place = this.#host.enter(address);
    const key = keyOf(socket);
    this.#sockets.add(socket);
    if (this.#tls !== undefined) this.#handshakes.set(key, place);
    socket.once("close", () => {
      this.#sockets.delete(socket);
      this.#handshakes.delete(key);
      place.leave();
    });
    if (this.#tls === undefined) this.#accept(socket, place);
    else this.#tls.emit("connection", socket);
  }

  #accept(socket: Socket, place: Place): void {
    if (socket.readyState !== "open") {
      socket.destroy();
      return;
    }
    const name = this.#address.kind === "ipc" ? "ipc" : "tcp";
    const transport = new SocketTransport(socket, { ...socketOptionsOf(this.#options), name });
    this.#host.accept(transport, { headers: {}, socket }, place);
  }

  stop(): void {
    this.#withdraw?.();
    this.#withdraw = undefined;
    this.#closed ??= new Promise((resolve) => this.#server.close(() => resolve()));
  }

  finish(): Promise<unknown> {
    for (const socket of this.#sockets) socket.destroy();
    return Promise.resolve(this.#closed);
  }
}

function keyOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}

/** @returns the port, which the kernel chooses when it is to be 0. */
function listenOnPort(server: Server, { host, port }: { host: string; port: number }): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port, backlog: BACKLOG }, () => {
      server.removeListener("error", reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
}
