// The server process of the TCP and IPC benches: Tideway and bare `net`, each on an address of its own.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { raw, serve } from "tideway/node";
import { echoService } from "../calls.ts";
import { serveCommands } from "../process.ts";
import { takeStreams } from "../websocket/streams.ts";
import { type BareTarget, listenBare } from "./bare-net.ts";

/** What carries the bytes. */
export type Kind = "tcp" | "ipc";

const folder = mkdtempSync(join(tmpdir(), "tideway-bench-"));
process.on("exit", () => rmSync(folder, { recursive: true }));

const server = await serve({
  listen: ["tcp://127.0.0.1:0", `ipc:bench-${process.pid}`],
  codecs: [raw],
  services: [echoService],
  onSession: takeStreams,
});
const bare: Readonly<Record<Kind, BareTarget>> = {
  tcp: await listenBare(),
  ipc: await listenBare(join(folder, "bare.sock")),
};

const commands = {
  /** Where both listen. */
  targets: (kind: Kind) => ({ tideway: server.urls[kind === "tcp" ? 0 : 1]!, bare: bare[kind] }),
  /** Take the sockets' files away. */
  stop: () => server.close({ drainMs: 0 }),
};

/** What the server process can be asked. */
export type ServerCommands = typeof commands;

await serveCommands(commands);
