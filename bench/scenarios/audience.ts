import { once } from "node:events";
import { connect, raw } from "tideway/node";
import { WebSocket } from "ws";
import { Helper } from "../helper.ts";
import type { Kind, ServerCommands } from "./server.ts";

/** One connection that hears what the server sends. */
export interface Listener {
  close(): Promise<unknown>;
}

/** Hears a message. */
export type OnMessage = (message: Uint8Array) => void;

/** A server process and the ways to connect to it. */
export interface Site {
  readonly server: Helper<ServerCommands>;
  readonly urls: Record<Kind, string>;
}

/** Run `use` against a fresh server process, which ends with it. */
export async function withSite<T>(use: (site: Site) => Promise<T>): Promise<T> {
  const server = new Helper<ServerCommands>("bench/scenarios/server.ts");
  try {
    return await use({ server, urls: await server.ask("urls") });
  } finally {
    await server.close();
  }
}

/**
 * Connect as many at once, and wait until the server knows all of them.
 * @param onMessage - without it, nothing is read from the connections
 */
export async function gather(
  { server, urls }: Site,
  kind: Kind,
  count: number,
  onMessage?: OnMessage,
): Promise<readonly Listener[]> {
  const known = await server.ask("listeners", kind);
  const listen = kind === "tideway" ? listenTideway : listenBare;
  const all = await Promise.all(Array.from({ length: count }, () => listen(urls[kind], onMessage)));
  while ((await server.ask("listeners", kind)) < known + count) await pause(2);
  return all;
}

/** Close all, and wait until the server has forgotten them. */
export async function disperse({ server }: Site, kind: Kind, all: readonly Listener[]): Promise<void> {
  await Promise.all(all.map((each) => each.close()));
  while ((await server.ask("listeners", kind)) > 0) await pause(5);
}

/** Let time pass, ms. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function listenTideway(url: string, onMessage: OnMessage | undefined): Promise<Listener> {
  const session = await connect(url, { codecs: [raw], reconnect: false });
  const stream = session.openStream("feed");
  stream.trySend(new Uint8Array(1));
  if (onMessage !== undefined) stream.listen(onMessage, () => {});
  return { close: () => session.close() };
}

async function listenBare(url: string, onMessage: OnMessage | undefined): Promise<Listener> {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  await once(socket, "open");
  if (onMessage === undefined) socket.pause();
  else socket.on("message", (data) => onMessage(data as Buffer));
  return {
    close: async () => {
      const closed = once(socket, "close");
      socket.terminate();
      await closed;
    },
  };
}
