import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { WebSocket, WebSocketServer } from "ws";

/** Two ends of one WebSocket over the loopback, each adopted in the listener that its transport asks for. */
export interface WsPair<Client, Server> {
  readonly client: Client;
  readonly server: Server;
  /** The sockets under them. */
  readonly sockets: { readonly client: WebSocket; readonly server: WebSocket };
  cleanup(): Promise<void>;
}

/** Connect a `ws` client to a `ws` server on a free port. */
export async function openWsPair<Client, Server>(
  adoptClient: (socket: WebSocket) => Client,
  adoptServer: (socket: WebSocket) => Server,
): Promise<WsPair<Client, Server>> {
  const listener = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: false });
  await once(listener, "listening");
  const { port } = listener.address() as AddressInfo;
  const socket = new WebSocket(`ws://127.0.0.1:${port}`, { perMessageDeflate: false });
  const [client, server] = await Promise.all([
    new Promise<Client>((resolve, reject) => {
      socket.on("open", () => resolve(adoptClient(socket)));
      socket.on("error", reject);
    }),
    new Promise<{ readonly end: Server; readonly socket: WebSocket }>((resolve) => {
      listener.on("connection", (accepted) => resolve({ end: adoptServer(accepted), socket: accepted }));
    }),
  ]);
  return {
    client,
    server: server.end,
    sockets: { client: socket, server: server.socket },
    cleanup: () => {
      for (const end of [socket, server.socket]) end.terminate();
      return new Promise((resolve) => listener.close(() => resolve()));
    },
  };
}
