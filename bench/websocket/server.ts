// The server process of the WebSocket benches: Tideway and bare `ws`, each on a port of its own.
import { raw, serve } from "tideway/node";
import { echoService } from "../calls.ts";
import { serveCommands } from "../process.ts";
import { listenBare } from "./bare-ws.ts";
import { residentBytes } from "./memory.ts";
import { takeStreams } from "./streams.ts";

const server = await serve({
  listen: ["ws://127.0.0.1:0"],
  codecs: [raw],
  services: [echoService],
  onSession: takeStreams,
  maxConnections: 20_000,
  maxPendingPerAddress: 1_024,
});
const bareUrl = await listenBare();

const commands = {
  /** Where both listen. */
  urls: () => ({ tideway: server.urls[0]!, ws: bareUrl }),
  /** Memory of this process without garbage, bytes. */
  residentBytes,
};

/** What the server process can be asked. */
export type ServerCommands = typeof commands;

await serveCommands(commands);
