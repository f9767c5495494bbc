import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import type { Bytes } from "tideway";
import { ignore, type Link } from "./link.ts";
import { serveLink } from "./protocol.ts";

/** Where {@link listenNet} listens. */
export type NetTarget = { readonly port: number; readonly host: string } | { readonly path: string };

/** `node:net` alone. */
class NetLink implements Link {
  readonly peer = "net";
  onData: Link["onData"] = ignore;
  readonly #socket: Socket;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("error", () => {});
    socket.on("data", (data) => this.onData(data));
  }

  get bufferedBytes(): number {
    return this.#socket.writableLength;
  }

  write(message: Bytes): void {
    this.#socket.write(message);
  }

  writeOut(message: Bytes): Promise<unknown> {
    return new Promise((resolve) => this.#socket.write(message, resolve));
  }

  close(): void {
    this.#socket.destroy();
  }
}

/** Listen on a free port, or on a path. */
export async function listenNet(path?: string): Promise<NetTarget> {
  const server = createServer({ noDelay: true }, (socket) => serveLink(new NetLink(socket)));
  if (path === undefined) server.listen(0, "127.0.0.1");
  else server.listen(path);
  await once(server, "listening");
  return path === undefined ? { port: (server.address() as AddressInfo).port, host: "127.0.0.1" } : { path };
}

/** Connect to {@link listenNet}. */
export async function dialNet(target: NetTarget): Promise<Link> {
  const socket = connect({ ...target, noDelay: true });
  await once(socket, "connect");
  return new NetLink(socket);
}
