// The server process of the benches of WebSocket, TCP and IPC: Tideway and the bare transports, each on its address.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { raw, serve } from "tideway/node";
import { echoService } from "../../calls.ts";
import { residentBytes, usedBytes } from "../../memory.ts";
import { serveCommands } from "../../process.ts";
import { listenNet } from "../links/net.ts";
import { listenWs } from "../links/ws.ts";
import { takeStreams } from "../session-streams.ts";

const folder = mkdtempSync(join(tmpdir(), "tideway-bench-"));
process.on("exit", () => rmSync(folder, { recursive: true }));

const server = await serve({
  listen: ["ws://127.0.0.1:0", "tcp://127.0.0.1:0", `ipc:bench-${process.pid}`],
  codecs: [raw],
  services: [echoService],
  onSession: takeStreams,
  maxConnections: 20_000,
  maxPendingPerAddress: 1_024,
});
const [websocket, tcp, ipc] = server.urls as [string, string, string];
const targets = {
  tideway: { websocket, tcp, ipc },
  bare: {
    websocket: await listenWs(),
    tcp: await listenNet(),
    ipc: await listenNet(join(folder, "bare.sock")),
  },
};

const commands = {
  /** Where they listen. */
  targets: () => targets,
  /** Memory of this process without garbage, bytes. */
  residentBytes,
  /** The same of its objects and buffers alone. */
  usedBytes,
  /** Take the sockets' files away. */
  stop: () => server.close({ drainMs: 0 }),
};

/** What the server process can be asked. */
export type ServerCommands = typeof commands;

await serveCommands(commands);
