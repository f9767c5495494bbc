// A client process of the memory bench: many idle connections from several addresses of the loopback.
import { connectWith, raw, type Session } from "tideway/node";
import { WebSocket } from "ws";
import { SUBPROTOCOL } from "../../src/core/wire/hello.ts";
import { WsTransport } from "../../src/node/ws-transport.ts";
import { serveCommands } from "../process.ts";

/** What opens the connections. */
export type Kind = "tideway" | "ws";

/** Connections to open. */
export interface Opening {
  readonly kind: Kind;
  readonly url: string;
  readonly count: number;
  /** Source addresses, used in turn: one has ports for 28,000 connections only. */
  readonly addresses: readonly string[];
}

interface Idler {
  /** Resolves when the server has answered. */
  ping(): Promise<unknown>;
  close(): void;
}

/** Connections that are being opened at a time. */
const OPENING = 32;

const DIAL: Readonly<Record<Kind, (url: string, localAddress: string) => Promise<Idler>>> = {
  tideway: dialSession,
  ws: (url, localAddress) => dial(url, localAddress, [], adoptBare),
};

let idlers: Idler[] = [];

const commands = {
  /** Open connections and keep them. */
  open: async ({ kind, url, count, addresses }: Opening) => {
    let begun = 0;
    const opener = async () => {
      while (begun < count) idlers.push(await DIAL[kind](url, addresses[begun++ % addresses.length]!));
    };
    await Promise.all(Array.from({ length: OPENING }, opener));
  },
  /** Ping over every connection. @returns how many answered within the time. */
  ping: async (timeoutMs: number) => {
    let answered = 0;
    const all = Promise.allSettled(idlers.map((idler) => idler.ping().then(() => answered++)));
    await Promise.race([all, new Promise((resolve) => setTimeout(resolve, timeoutMs))]);
    return answered;
  },
  /** Close them all. */
  close: () => {
    for (const idler of idlers) idler.close();
    idlers = [];
  },
};

/** What a client process can be asked. */
export type CrowdCommands = typeof commands;

await serveCommands(commands);

/** Open a socket. What arrives with `open` finds its reader, because `adopt` runs inside that event. */
function dial<T>(
  url: string,
  localAddress: string,
  protocols: string[],
  adopt: (socket: WebSocket) => T,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, protocols, { localAddress, perMessageDeflate: false });
    socket.on("error", reject);
    socket.once("open", () => resolve(adopt(socket)));
  });
}

async function dialSession(url: string, localAddress: string): Promise<Idler> {
  const session: Session = await connectWith(
    () => dial(url, localAddress, [SUBPROTOCOL], (socket) => new WsTransport(socket)),
    { codecs: [raw], reconnect: false },
  );
  return { ping: () => session.ping(), close: () => void session.close() };
}

function adoptBare(socket: WebSocket): Idler {
  return {
    ping: () => {
      const answered = new Promise((resolve) => socket.once("pong", resolve));
      socket.ping();
      return answered;
    },
    close: () => socket.terminate(),
  };
}
