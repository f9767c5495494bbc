import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { msgpackCodec } from "tideway/msgpack";
import { serve } from "tideway/node";
import { LIMITS, PATH, type ServerInfo } from "./contract.ts";
import { assetsOf, withInfo } from "./server/asset.ts";
import { Connections } from "./server/connections.ts";
import { admitOwner } from "./server/owner.ts";
import { buildFiles } from "./server/page.ts";
import { readPort, whyNotListening } from "./server/port.ts";
import { demoService } from "./server/service.ts";
import { createWebServer } from "./server/web.ts";

const HOST = "127.0.0.1";
/** Longest time that calls may go on after a signal, ms. */
const DRAIN_MS = 1_000;

const INFO: ServerInfo = { runtime: `Node ${process.versions.node}` };

const port = readPort();
const web = createWebServer(withInfo(assetsOf(await buildFiles()), INFO), PATH);
try {
  web.listen(port, HOST);
  await once(web, "listening");
} catch (error) {
  console.error(whyNotListening(error, HOST, port, "npm start"));
  process.exit(1);
}

const stopping = new AbortController();
const connections = new Connections();
const server = await serve({
  attach: [web],
  path: PATH,
  hosts: [HOST, "localhost"],
  codecs: [msgpackCodec()],
  limits: LIMITS,
  services: [demoService({ stopping: stopping.signal, cut: (owner) => connections.cut(owner) })],
  authenticate: ({ token, request }) => {
    const owner = admitOwner(token);
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
