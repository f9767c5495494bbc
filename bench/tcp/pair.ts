import type { Socket } from "node:net";
import { type Client, client, connect, raw, type Session } from "tideway/node";
import { ECHO } from "../calls.ts";
import { Helper } from "../process.ts";
import { dialBare } from "./bare-net.ts";
import type { Kind, ServerCommands } from "./server.ts";

/** A server process and one connection of each kind to it. */
export interface Pair {
  readonly session: Session;
  readonly calls: Client<typeof ECHO>;
  /** Bare `net`. */
  readonly socket: Socket;
}

/** Run `use` against a fresh server process, which ends with it. */
export async function withPair<T>(kind: Kind, use: (pair: Pair) => Promise<T>): Promise<T> {
  const server = new Helper<ServerCommands>("bench/tcp/server.ts");
  try {
    const { tideway, bare } = await server.ask("targets", kind);
    const session = await connect(tideway, { codecs: [raw], reconnect: false });
    const socket = await dialBare(bare);
    const result = await use({ session, calls: client(session, ECHO), socket });
    socket.destroy();
    await session.close();
    await server.ask("stop");
    return result;
  } finally {
    await server.close();
  }
}
