// The server process of the scenarios: Tideway and bare `ws`, which send the same to all who are connected, and echo.
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import type { Bytes, MessageStream } from "tideway";
import { raw, serve } from "tideway/node";
import { type WebSocket, WebSocketServer } from "ws";
import { serveCommands } from "../process.ts";

/** Who carries the messages. */
export type Kind = "tideway" | "ws";

/** Messages to send to everybody. */
export interface Publication {
  readonly kind: Kind;
  readonly count: number;
  readonly bytes: number;
  /** Time from one to the next, ms; 0 for as fast as everybody takes them. A paced one leaves out who is behind. */
  readonly everyMs: number;
}

/** Buffered bytes of a bare socket above which it is behind. */
const HIGH_WATER_BYTES = 1 << 20;

const streams = new Set<MessageStream>();
const sockets = new Set<WebSocket>();

const server = await serve({
  listen: ["ws://127.0.0.1:0"],
  codecs: [raw],
  maxConnections: 20_000,
  maxPendingPerAddress: 4_096,
  onSession: (session) => {
    session.onStream("feed", (stream) => {
      streams.add(stream);
      const gone = () => void streams.delete(stream);
      stream.listen(() => {}, gone);
    });
    session.onStream("echo", (stream) => {
      stream.listen(
        (message) => {
          if (!stream.trySend(message)) throw new Error("more is under way than a stream takes");
        },
        () => {},
      );
    });
  },
});
const listener = new WebSocketServer({
  host: "127.0.0.1",
  port: 0,
  backlog: 4_096,
  perMessageDeflate: false,
});
listener.on("connection", (socket) => {
  sockets.add(socket);
  socket.on("error", () => {});
  socket.on("message", (message) => socket.send(message, { compress: false }));
  socket.on("close", () => sockets.delete(socket));
});
await once(listener, "listening");

const commands = {
  urls: (): Record<Kind, string> => ({
    tideway: server.urls[0]!,
    ws: `ws://127.0.0.1:${(listener.address() as AddressInfo).port}`,
  }),
  /** CPU time of this process so far, ms. */
  cpuMs: (): number => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1_000;
  },
  /** How many of a kind are there to be sent to. */
  listeners: (kind: Kind) => (kind === "tideway" ? streams.size : sockets.size),
  /** Send messages to everybody. Each begins with the time of sending, ns as a float64. */
  publish: async ({ kind, count, bytes, everyMs }: Publication): Promise<void> => {
    for (let i = 0; i < count; i++) {
      const message: Bytes = new Uint8Array(bytes);
      new DataView(message.buffer).setFloat64(0, Number(process.hrtime.bigint()));
      for (const stream of kind === "tideway" ? streams : []) {
        while (!stream.trySend(message) && everyMs === 0) await stream.ready();
      }
      for (const socket of kind === "ws" ? sockets : []) await sendBare(socket, message, everyMs === 0);
      if (everyMs > 0) await new Promise((resolve) => setTimeout(resolve, everyMs));
    }
  },
};

/** What the server process can be asked. */
export type ServerCommands = typeof commands;

await serveCommands(commands);

function sendBare(socket: WebSocket, message: Bytes, waits: boolean): Promise<void> | undefined {
  const isBehind = socket.bufferedAmount > HIGH_WATER_BYTES;
  if (!isBehind) socket.send(message, { compress: false });
  else if (waits) return new Promise((resolve) => socket.send(message, { compress: false }, () => resolve()));
  return undefined;
}
