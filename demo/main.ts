import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { msgpackCodec } from "tideway/msgpack";
import { implement, serve } from "tideway/node";
import { api, LIMITS } from "./contract.ts";
import { ChatRoom } from "./server/chat.ts";
import { Connections } from "./server/connections.ts";
import { FileStore } from "./server/file-store.ts";
import { fileHandlers, STORE_LIMITS } from "./server/files.ts";
import { ownerOf } from "./server/owner.ts";
import { buildPage } from "./server/page.ts";
import { readTelemetry } from "./server/telemetry.ts";
import { createWebServer } from "./server/web.ts";

const HOST = "127.0.0.1";
const DEFAULT_PORT = 8080;
const PATH = "/tideway";
/** Longest time that calls may go on after a signal, ms. */
const DRAIN_MS = 1_000;

const port = Number(process.env["PORT"] || DEFAULT_PORT);
if (!Number.isInteger(port) || port < 0 || port > 65_535) {
  console.error(`Cannot use PORT=${process.env["PORT"]}: must be a number from 0 to 65535`);
  process.exit(2);
}

const web = createWebServer(await buildPage(), PATH);
try {
  web.listen(port, HOST);
  await once(web, "listening");
} catch (error) {
  const taken = (error as NodeJS.ErrnoException).code === "EADDRINUSE";
  console.error(
    taken
      ? `Port ${port} is taken: stop what uses it, or choose another one with PORT=8081 npm start (0 takes a free one)`
      : `Cannot listen on ${HOST}:${port}: ${(error as Error).message}`,
  );
  process.exit(1);
}

const stopping = new AbortController();
const store = new FileStore(STORE_LIMITS);
const room = new ChatRoom();
const connections = new Connections();
process.on("exit", () => store.close());

const service = implement(
  api,
  {
    echo: (bytes) => bytes,
    cut: (_input, context) => connections.cut(ownerOf(context)),
    telemetry: ({ everyMs }, { signal }) =>
      readTelemetry(everyMs, AbortSignal.any([signal, stopping.signal])),
    files: fileHandlers(store),
    chat: {
      join: (lines, { signal }) => room.join(lines, AbortSignal.any([signal, stopping.signal])),
    },
  },
  { onError: (error, { method }) => console.error(`${method} failed:`, error) },
);

const server = await serve({
  attach: [web],
  path: PATH,
  hosts: [HOST, "localhost"],
  codecs: [msgpackCodec()],
  limits: LIMITS,
  services: [service],
  // Each page makes up a secret that outlives its connections: its file is kept under it.
  authenticate: ({ token, request }) => {
    if (token === undefined || token.length < 16) throw new Error("Cannot let in: no token");
    const owner = Buffer.from(token).toString("base64url");
    connections.add(owner, request.socket);
    return owner;
  },
});

console.log(`Tideway demo: http://${HOST}:${(web.address() as AddressInfo).port}`);

async function stop(): Promise<void> {
  if (stopping.signal.aborted) return;
  web.close();
  stopping.abort(); // telemetry and chat end by themselves, what else runs has a moment
  await server.close({ drainMs: DRAIN_MS });
  web.closeAllConnections();
  process.exit(0);
}

for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => void stop());
