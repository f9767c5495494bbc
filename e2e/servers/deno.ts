// A page with a plain bundle, Tideway over WebSocket at /tideway and over WebTransport, all in one Deno process.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { implement, json, type Session, SessionStore } from "tideway";
import { msgpackCodec } from "tideway/msgpack";
import { denoNamespace } from "../../src/edge/deno-namespace.ts";
import { serve } from "../../src/edge/deno-serve.ts";
import { serveWebTransport } from "../../src/edge/deno-webtransport.ts";
import { api } from "./contract.ts";

const { PAGE_SCRIPT = "", CERT = "", KEY = "" } = process.env;
const PAGE = `<!doctype html><link rel="icon" href="data:,"><title>WebTransport</title>
<script type="module">${readFileSync(PAGE_SCRIPT, "utf8")}</script>`;

const service = implement(api, {
  echo: (value) => value,
  bytes: (bytes) => bytes,
  async *count(to) {
    for (let number = 1; number <= to; number++) yield number;
  },
  async sum(numbers) {
    let total = 0;
    for await (const number of numbers) total += number;
    return total;
  },
  async *letters(words) {
    for await (const word of words) yield word.toUpperCase();
  },
  fail: (_kind, context) => {
    throw context.error("NOPE", { id: 7 });
  },
});

const shared = {
  codecs: [msgpackCodec(), json],
  services: [service],
  limits: { maxDatagramBytes: 8_000 },
  resume: new SessionStore(),
  // Every datagram goes back.
  onSession: (session: Session) => {
    session.addEventListener("datagram", ({ payload }) => session.sendDatagram(payload));
    // The hash of all that came, and then as much as the text of the header says.
    session.onStream("transfer", async (stream) => {
      const hash = createHash("sha256");
      for await (const piece of stream) hash.update(piece);
      await stream.send(new Uint8Array(hash.digest()));
      for (let left = Number(stream.headers.get("back") ?? 0); left > 0; left -= 65_536)
        await stream.send(new Uint8Array(Math.min(left, 65_536)).fill(7));
      await stream.close();
    });
  },
};

const sockets = await serve(shared);
const native = await serveWebTransport({ ...shared, listen: "https://127.0.0.1:0/", cert: CERT, key: KEY });
const http = denoNamespace().serve(
  { hostname: "127.0.0.1", port: 0, onListen: () => {} },
  (request, info) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/tideway") return sockets.handle(request, info);
    if (pathname === "/stats") {
      const sessions = shared.resume.stats().sessions;
      return Response.json({ native: native.connections, sockets: sockets.connections, sessions });
    }
    return new Response(PAGE, { headers: { "content-type": "text/html; charset=utf-8" } });
  },
);
console.log(`${native.urls[0]} http://127.0.0.1:${http.addr.port}`);
