import { connect, isIP, type Socket, type SocketConstructorOpts } from "node:net";
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from "node:tls";
import { ipcDialPath } from "../ipc/ipc-path.ts";
import { ALPN } from "../transports/tls-options.ts";
import { addressError, type SocketAddress, urlOf } from "./address.ts";
import {
  DEFAULT_SOCKET_OPTIONS,
  type SocketOptions,
  SocketTransport,
  socketOptionsOf,
} from "./socket-transport.ts";

/** How a Node client opens a socket. */
export interface SocketDialOptions {
  /** How the socket is used. */
  readonly socket?: SocketOptions;
  /**
   * False: no native code in the place of what every runtime has, as with `TIDEWAY_NATIVE=0` for the whole process.
   * Concerns `vectored` of `socket`. Default true.
   */
  readonly native?: boolean;
  /** Authorities, certificate and all else of TLS, for `tls:` and `wss:`. */
  readonly tls?: ConnectionOptions;
}

/** A socket that is being opened, and the event that says that it is. */
interface Opening {
  readonly socket: Socket;
  readonly event: "connect" | "secureConnect";
}

/** Opens one address, again and again. What TLS has agreed on with the server is kept, for a shorter handshake. */
export class SocketDialer {
  readonly #address: SocketAddress;
  readonly #options: SocketDialOptions;
  readonly #highWaterMark: number;
  #tlsSession: Buffer | undefined;

  constructor(address: SocketAddress, options: SocketDialOptions) {
    this.#address = address;
    this.#options = options;
    this.#highWaterMark = { ...DEFAULT_SOCKET_OPTIONS, ...options.socket }.receiveBufferBytes;
  }

  /** @throws {TransportError} when the address cannot be reached; the reason of `signal` when it aborts. */
  dial(signal: AbortSignal): Promise<SocketTransport> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const start = performance.now();
      const { socket, event } = this.#openOrThrow();
      const onAbort = () => {
        socket.destroy();
        reject(signal.reason);
      };
      const fail = (cause: unknown) => {
        signal.removeEventListener("abort", onAbort);
        this.#tlsSession = undefined; // it may be what the server does not like
        reject(addressError("connect to", urlOf(this.#address), cause));
      };
      signal.addEventListener("abort", onAbort, { once: true });
      socket.once("error", fail);
      socket.once(event, () => {
        signal.removeEventListener("abort", onAbort);
        socket.removeListener("error", fail);
        resolve(
          new SocketTransport(socket, {
            ...socketOptionsOf(this.#options),
            name: this.#address.kind === "ipc" ? "ipc" : "tcp",
            connectMs: performance.now() - start,
          }),
        );
      });
    });
  }

  #openOrThrow(): Opening {
    try {
      return this.#open();
    } catch (cause) {
      throw addressError("connect to", urlOf(this.#address), cause);
    }
  }

  #open(): Opening {
    const address = this.#address;
    // What a stream takes, a socket takes too.
    const options: SocketConstructorOpts = { readableHighWaterMark: this.#highWaterMark } as object;
    if (address.kind === "ipc")
      return { socket: connect({ ...options, path: ipcDialPath(address.name) }), event: "connect" };
    const { kind, host, port } = address;
    if (kind === "tcp") return { socket: connect({ ...options, host, port }), event: "connect" };
    return { socket: this.#openTls(host, port), event: "secureConnect" };
  }

  #openTls(host: string, port: number): TLSSocket {
    const session = this.#tlsSession;
    const socket = connectTls({
      ...(isIP(host) === 0 ? { servername: host } : {}),
      ...this.#options.tls,
      host,
      port,
      ALPNProtocols: [...ALPN],
      highWaterMark: this.#highWaterMark,
      ...(session === undefined ? {} : { session }),
    } as ConnectionOptions);
    socket.on("session", (ticket) => {
      this.#tlsSession = ticket;
    });
    return socket;
  }
}
