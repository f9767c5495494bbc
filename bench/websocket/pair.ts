import { type Client, client, connect, raw, type Session } from "tideway/node";
import type { WebSocket } from "ws";
import { ECHO } from "../calls.ts";
import { Helper } from "../process.ts";
import { dialBare } from "./bare-ws.ts";
import type { ServerCommands } from "./server.ts";

/** A server process and one connection of each kind to it. */
export interface Pair {
  readonly session: Session;
  readonly calls: Client<typeof ECHO>;
  /** Bare `ws`. */
  readonly socket: WebSocket;
}

/** Where the server process of these benches starts. */
export const SERVER = "bench/websocket/server.ts";

/** Run `use` against a fresh server process, which ends with it. */
export async function withPair<T>(use: (pair: Pair) => Promise<T>): Promise<T> {
  const server = new Helper<ServerCommands>(SERVER);
  try {
    const urls = await server.ask("urls");
    const session = await connect(urls.tideway, { codecs: [raw], reconnect: false });
    const socket = await dialBare(urls.ws);
    const result = await use({ session, calls: client(session, ECHO), socket });
    socket.terminate();
    await session.close();
    return result;
  } finally {
    await server.close();
  }
}
