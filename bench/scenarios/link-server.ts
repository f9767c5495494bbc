// The server process of what goes over a slow link: Tideway and `ws`, both ready to compress, which count what they hear.
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { compression, loadCompressors } from "tideway/compression";
import { raw, serve } from "tideway/node";
import { WebSocketServer } from "ws";
import { Tally } from "../messages.ts";
import { serveCommands } from "../process.ts";
import { takeStreams } from "../transports/session-streams.ts";
import { COMPRESSORS, DEFLATE } from "./link-options.ts";

const server = await serve({
  listen: ["ws://127.0.0.1:0"],
  codecs: [raw],
  compression: compression(await loadCompressors(COMPRESSORS)),
  onSession: takeStreams,
});
const listener = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: DEFLATE });
listener.on("connection", (socket) => {
  let tally = new Tally();
  socket.on("error", () => {});
  socket.on("message", (message, isBinary) => {
    if (isBinary) return tally.add(message as Buffer);
    socket.send(JSON.stringify(tally));
    tally = new Tally();
  });
});
await once(listener, "listening");

const commands = {
  /** Ports of both. */
  ports: () => ({
    tideway: Number(new URL(server.urls[0]!).port),
    ws: (listener.address() as AddressInfo).port,
  }),
};

/** What the server process can be asked. */
export type LinkServerCommands = typeof commands;

await serveCommands(commands);
