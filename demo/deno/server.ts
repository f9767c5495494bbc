// The demo's server in Deno: WebSocket beside the page, and WebTransport. See start.ts.
import { readdirSync, readFileSync } from "node:fs";
import { SessionStore } from "tideway";
import { serve, serveWebTransport } from "tideway/deno";
import { msgpackCodec } from "tideway/msgpack";
import { LIMITS, PATH } from "../contract.ts";
import { answersFrom } from "../server/answer.ts";
import { assetsOf, withInfo } from "../server/asset.ts";
import { admitOwner } from "../server/owner.ts";
import { readPort, whyNotListening } from "../server/port.ts";
import { demoService } from "../server/service.ts";

interface Runtime {
  readonly version: { readonly deno: string };
  serve(
    options: { readonly hostname: string; readonly port: number; readonly onListen: () => void },
    handler: (request: Request, info: { readonly remoteAddr: never }) => Response,
  ): { readonly addr: { readonly port: number } };
}

const { Deno } = globalThis as unknown as { readonly Deno: Runtime };
const { CERTIFICATE = "", KEY = "", CERTIFICATE_HASH = "", PAGE_FOLDER = "" } = process.env;
const HOST = "127.0.0.1";
/** Longest time that calls may go on after a signal, ms. */
const DRAIN_MS = 1_000;

const stopping = new AbortController();
const shared = {
  hosts: [HOST, "localhost"],
  codecs: [msgpackCodec()],
  limits: LIMITS,
  // A connection of Deno cannot be reset from here: the page drops it.
  services: [demoService({ stopping: stopping.signal, cut: () => 0 })],
  resume: new SessionStore(), // sessions move between both servers
  authenticate: ({ token }: { readonly token: Uint8Array | undefined }) => admitOwner(token),
};

const port = readPort();
const sockets = await serve(shared);
const native = await listenNatively();
const url = native.urls[0] ?? "";
const assets = withInfo(assetsOf(readFiles(PAGE_FOLDER)), {
  runtime: `Deno ${Deno.version.deno}`,
  webTransport: { url, certificateHash: CERTIFICATE_HASH },
});
const answer = answersFrom(assets, [new URL(url).origin]);
const http = listenForPages();
console.log(`Tideway demo: http://${HOST}:${http.addr.port}`);

function listenForPages() {
  try {
    return Deno.serve({ hostname: HOST, port, onListen: () => {} }, (request, info) => {
      const path = new URL(request.url).pathname;
      if (path === PATH) return sockets.handle(request, info);
      const etag = request.headers.get("if-none-match") ?? undefined;
      const { status, headers, body = null } = answer({ path, method: request.method, etag });
      return new Response(body, { status, headers });
    });
  } catch (error) {
    const code = (error as Error).name === "AddrInUse" ? "EADDRINUSE" : undefined;
    console.error(whyNotListening(Object.assign(error as Error, { code }), HOST, port, "npm run start:deno"));
    process.exit(1);
  }
}

/** WebTransport takes a free port of UDP. */
async function listenNatively() {
  try {
    return await serveWebTransport({
      ...shared,
      listen: `https://${HOST}:0${PATH}`,
      cert: CERTIFICATE,
      key: KEY,
    });
  } catch (error) {
    console.error(`Cannot serve WebTransport with Deno ${Deno.version.deno}: ${(error as Error).message}`);
    process.exit(1);
  }
}

function readFiles(folder: string): Map<string, Uint8Array> {
  return new Map(readdirSync(folder).map((name) => [name, readFileSync(`${folder}/${name}`)]));
}

async function stop(): Promise<void> {
  if (stopping.signal.aborted) return;
  stopping.abort(); // telemetry and chat end by themselves, what else runs has a moment
  await Promise.all([sockets.close({ drainMs: DRAIN_MS }), native.close({ drainMs: DRAIN_MS })]);
  process.exit(0);
}

for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => void stop());
