// The page of the latency run; Tideway over WebSocket and WebTransport, and both bare, all in one Deno process.
import { readFileSync } from "node:fs";
import { SessionStore } from "tideway";
import { type DenoHttpServer, denoNamespace } from "../../../src/edge/deno-namespace.ts";
import { serve } from "../../../src/edge/deno-serve.ts";
import { serveWebTransport } from "../../../src/edge/deno-webtransport.ts";
import { serveBareSocket } from "./bare-socket.ts";
import { serveBareWebTransport } from "./bare-webtransport.ts";
import { PAGE_HEADERS, pageWith, SESSION_OPTIONS } from "./page.ts";
import { echoService, serveStreams } from "./service.ts";

const { PAGE_SCRIPT = "", CERT: cert = "", KEY: key = "" } = process.env;
const page = pageWith(readFileSync(PAGE_SCRIPT, "utf8"));
const shared = {
  ...SESSION_OPTIONS,
  services: [echoService()],
  resume: new SessionStore(),
  onSession: serveStreams,
};

const sockets = await serve(shared);
const native = await serveWebTransport({ ...shared, listen: "https://127.0.0.1:0/", cert, key });
const bareUrl = serveBareWebTransport({ cert, key });
const http: DenoHttpServer = denoNamespace().serve(
  { hostname: "127.0.0.1", port: 0, onListen: () => {} },
  (request, info) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/tideway") return sockets.handle(request, info);
    if (pathname === "/bare") return upgradeBare(request);
    return new Response(page, { headers: PAGE_HEADERS });
  },
);
console.log(`http://127.0.0.1:${http.addr.port} ${native.urls[0]} ${bareUrl}`);

function upgradeBare(request: Request): Response {
  const { socket, response } = denoNamespace().upgradeWebSocket(request, { idleTimeout: 0 });
  socket.binaryType = "arraybuffer";
  const receive = serveBareSocket(socket);
  socket.addEventListener("message", ({ data }) => receive(new Uint8Array(data)));
  return response;
}
