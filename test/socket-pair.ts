import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls, createServer as createTlsServer } from "node:tls";
import { SocketTransport, type SocketTransportOptions } from "../src/node/socket-transport.ts";
import type { Certificate } from "./certificate.ts";

/** What carries the bytes. */
export type SocketKind = "tcp" | "tls" | "ipc";

/** Two ends of one connection, each adopted as soon as it was open, and the sockets under them. */
export interface SocketPair {
  readonly client: SocketTransport;
  readonly server: SocketTransport;
  readonly sockets: { readonly client: Socket; readonly server: Socket };
  cleanup(): Promise<void>;
}

/** Connect two sockets on this machine. @param certificate - for TLS */
export async function openSocketPair(
  kind: SocketKind,
  certificate?: Certificate,
  given: SocketTransportOptions = {},
): Promise<SocketPair> {
  const options = { ...given, name: kind === "ipc" ? "ipc" : "tcp" } as const;
  const folder = mkdtempSync(join(tmpdir(), "tideway-pair-"));
  const listener = kind === "tls" ? createTlsServer({ ...certificate }) : createServer();
  const path = join(folder, "socket");
  if (kind === "ipc") listener.listen(path);
  else listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  const accepted = new Promise<Adopted>((resolve) => {
    listener.on(kind === "tls" ? "secureConnection" : "connection", (socket: Socket) =>
      resolve({ socket, transport: new SocketTransport(socket, options) }),
    );
  });
  const socket = dial(kind, listener, path, certificate);
  await once(socket, kind === "tls" ? "secureConnect" : "connect");
  const client = new SocketTransport(socket, options);
  const server = await accepted;
  return {
    client,
    server: server.transport,
    sockets: { client: socket, server: server.socket },
    cleanup: async () => {
      for (const end of [socket, server.socket]) end.destroy();
      await new Promise((resolve) => listener.close(resolve));
      rmSync(folder, { recursive: true });
    },
  };
}

interface Adopted {
  readonly socket: Socket;
  readonly transport: SocketTransport;
}

function dial(kind: SocketKind, listener: Server, path: string, certificate?: Certificate): Socket {
  if (kind === "ipc") return connect(path);
  const { port } = listener.address() as AddressInfo;
  if (kind === "tcp") return connect(port, "127.0.0.1");
  return connectTls({ host: "127.0.0.1", port, ...(certificate && { ca: certificate.cert }) });
}
