// The client process of a soak: connections that work, come and go, and are cut, for as long as it is asked.
import {
  type Client,
  client,
  connectWith,
  dialWebSocket,
  raw,
  type Session,
  type Transport,
} from "tideway/node";
import { callAll, ECHO } from "../calls.ts";
import { check } from "../harness.ts";
import { usedBytes } from "../memory.ts";
import { makeMessages } from "../messages.ts";
import { serveCommands } from "../process.ts";
import type { Link } from "../transports/links/link.ts";
import { echoBare } from "../transports/links/protocol.ts";
import { dialWs } from "../transports/links/ws.ts";
import { sendMessages } from "../transports/session-streams.ts";

/** Who works. */
export type Kind = "tideway" | "ws";

/** One connection of a soak. */
interface Worker {
  /** Do some of everything, and check it. */
  work(): Promise<void>;
  /** Lose the connection, where it can be carried on. */
  cut(): void;
  close(): unknown;
}

const CONNECTIONS = 20;
/** Echoes or calls of a turn, messages of its stream. */
const CALLS = 40;
const MESSAGES = 100;
const IN_FLIGHT = 10;
/** Time between two turns, ms: a soak is long, not busy. */
const PAUSE_MS = 10;
const pool = makeMessages(256);

const workers: Worker[] = [];
let dial: () => Promise<Worker>;
let turns = 0;

const commands = {
  open: async ({ kind, url }: { readonly kind: Kind; readonly url: string }) => {
    dial = () => (kind === "tideway" ? dialTideway(url) : dialBare(url));
    for (let i = 0; i < CONNECTIONS; i++) workers.push(await dial());
  },
  /** Work: a turn for each connection in turn; one in five is closed after it, one in five is cut. @returns all turns. */
  work: async (ms: number): Promise<number> => {
    for (const end = performance.now() + ms; performance.now() < end; turns++) {
      const index = turns % workers.length;
      const worker = workers[index]!;
      await worker.work();
      if (turns % 5 === 1) worker.cut();
      if (turns % 5 === 2) {
        await worker.close();
        workers[index] = await dial();
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
    return turns;
  },
  /** Memory of this process without garbage, bytes. */
  usedBytes,
};

/** What the client of a soak can be asked. */
export type SoakCommands = typeof commands;

await serveCommands(commands);

async function dialTideway(url: string): Promise<Worker> {
  let transport: Transport | undefined;
  const dialOnce = dialWebSocket(url);
  const session: Session = await connectWith(
    async (signal) => {
      transport = await dialOnce(signal);
      return transport;
    },
    { codecs: [raw], reconnect: { minMs: 0, maxMs: 10 } },
  );
  const calls: Client<typeof ECHO> = client(session, ECHO);
  return {
    async work() {
      await callAll(calls, pool, CALLS, IN_FLIGHT);
      await sendMessages(session, pool, MESSAGES);
      check(session.state === "open", `a session is ${session.state}`);
    },
    cut: () => transport?.close(3_000, "cut"),
    close: () => session.close(),
  };
}

async function dialBare(url: string): Promise<Worker> {
  const link: Link = await dialWs(url);
  return {
    work: () => echoBare(link, pool, CALLS + MESSAGES, IN_FLIGHT),
    cut: () => {},
    close: () => link.close(),
  };
}
