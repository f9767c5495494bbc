// The page of the latency run, Tideway at /tideway and a bare `ws` at /bare, all in one Node process.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { build } from "esbuild";
import { serve } from "tideway/node";
import { WebSocketServer } from "ws";
import { selfImportPlugin } from "../../../scripts/bundle.mjs";
import { serveBareSocket } from "./bare-socket.ts";
import { PAGE_HEADERS, pageWith, SESSION_OPTIONS } from "./page.ts";
import { echoService, serveStreams } from "./service.ts";

const { outputFiles } = await build({
  entryPoints: [join(import.meta.dirname, "../../pages/latency/main.ts")],
  write: false,
  bundle: true,
  format: "esm",
  target: "es2022",
  plugins: [selfImportPlugin(["browser", "default"])],
});
const page = pageWith(outputFiles[0]?.text ?? "");
const web = createServer((_request, response) => response.writeHead(200, PAGE_HEADERS).end(page));

const bare = new WebSocketServer({ noServer: true, perMessageDeflate: false });
web.on("upgrade", (request, socket, head) => {
  if (request.url !== "/bare") return;
  bare.handleUpgrade(request, socket, head, (client) => {
    const receive = serveBareSocket({
      send: (message) => client.send(message, { binary: true }),
      get bufferedAmount() {
        return client.bufferedAmount;
      },
    });
    client.on("message", (data) => receive(data as Buffer<ArrayBuffer>));
  });
});

await serve({
  ...SESSION_OPTIONS,
  attach: [web],
  path: "/tideway",
  services: [echoService()],
  onSession: serveStreams,
});
web.listen(Number(process.env["PORT"] ?? 0), "127.0.0.1", () => {
  console.log(`http://127.0.0.1:${(web.address() as AddressInfo).port}`);
});
for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => process.exit(0));
