import { once } from "node:events";
import type { AddressInfo } from "node:net";
import type { Bytes } from "tideway";
import { WebSocket, WebSocketServer } from "ws";
import { ignore, type Link } from "./link.ts";
import { serveLink } from "./protocol.ts";

const SEND_OPTIONS = { binary: true, compress: false } as const;
const SOCKET_OPTIONS = { perMessageDeflate: false, maxPayload: 1 << 24 } as const;

/** `ws` alone. */
export class WsLink implements Link {
  readonly peer = "ws";
  onData: Link["onData"] = ignore;
  readonly #socket: WebSocket;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("error", () => {});
    socket.on("message", (data) => this.onData(data as Buffer));
  }

  get bufferedBytes(): number {
    return this.#socket.bufferedAmount;
  }

  write(message: Bytes): void {
    this.#socket.send(message, SEND_OPTIONS);
  }

  writeOut(message: Bytes): Promise<unknown> {
    return new Promise((resolve) => this.#socket.send(message, SEND_OPTIONS, resolve));
  }

  close(): void {
    this.#socket.terminate();
  }
}

/** Listen on a free port. @returns the URL. */
export async function listenWs(): Promise<string> {
  const listener = new WebSocketServer({ host: "127.0.0.1", port: 0, backlog: 4_096, ...SOCKET_OPTIONS });
  listener.on("connection", (socket) => serveLink(new WsLink(socket)));
  await once(listener, "listening");
  return `ws://127.0.0.1:${(listener.address() as AddressInfo).port}`;
}

/** Connect to {@link listenWs}. */
export async function dialWs(url: string): Promise<Link> {
  const socket = new WebSocket(url, SOCKET_OPTIONS);
  await once(socket, "open");
  return new WsLink(socket);
}
