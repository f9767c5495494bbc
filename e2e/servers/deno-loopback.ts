// A client and a server of WebTransport in one Deno process. Prints what came of it as a line of JSON.
import { client, implement, json, type Session, SessionStore, type WireError } from "tideway";
import { connect, dialWebSocket } from "../../src/browser/connect.ts";
import { dialWebTransport } from "../../src/browser/webtransport.ts";
import { serve } from "../../src/edge/deno-serve.ts";
import { serveWebTransport } from "../../src/edge/deno-webtransport.ts";
import { api } from "./contract.ts";

const { CERT = "", KEY = "" } = process.env;
const der = Uint8Array.from(atob(CERT.replaceAll(/-----[^-]+-----|\s/g, "")), (each) => each.charCodeAt(0));
const value = new Uint8Array(await crypto.subtle.digest("SHA-256", der));
const webTransport = { serverCertificateHashes: [{ algorithm: "sha-256", value }] } as const;

const resume = new SessionStore();
const shared = {
  codecs: [json],
  resume,
  services: [
    implement(api, {
      echo: (given) => given,
      bytes: (bytes) => bytes,
      async *count(to) {
        for (let number = 1; number <= to; number++) yield number;
      },
      sum: () => 0,
      async *letters() {},
      fail: () => {},
    }),
  ],
  onSession: (session: Session) => {
    session.addEventListener("datagram", ({ payload }) => session.sendDatagram(payload));
  },
};
const server = await serveWebTransport({
  ...shared,
  listen: "https://127.0.0.1:0/rpc",
  hosts: ["127.0.0.1"],
  cert: CERT,
  key: KEY,
});
const sockets = await serve({ ...shared, listen: ["ws://127.0.0.1:0"] });
const url = server.urls[0] as string;
const webSocketUrl = sockets.urls[0] as string;
console.log(url);

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const session = await connect(url, { codecs: [json], webTransport, webSocketUrl, headStartMs: 3_000 });
const { transport } = session.stats();
const calls = client(session, api);
const text = "x".repeat(4_000_000);
const large = (await calls.echo(text)) === text;
let counted = 0;
for await (const number of calls.count(2_000)) if (number === counted + 1) counted++;

let datagrams = false;
session.addEventListener("datagram", ({ payload }) => {
  datagrams = payload.length === 900;
});
for (let tries = 0; tries < 100 && !datagrams; tries++) {
  session.sendDatagram(new Uint8Array(900));
  await sleep(10);
}

const { signal } = new AbortController();
const migrated: unknown[] = [];
for (const dial of [dialWebSocket(webSocketUrl), dialWebTransport(url, webTransport)]) {
  await session.migrate(await dial(signal));
  await calls.echo(1);
  migrated.push(session.stats().transport);
}

const refused = await connect(url.replace("/rpc", "/elsewhere"), {
  webTransport,
  webSocketUrl: "ws://127.0.0.1:1",
}).then(
  () => "connected",
  (error: WireError) => error.code,
);
await session.close();
// The one that the session left first has no end that both sides see: it takes its time.
for (let tries = 0; tries < 400 && server.connections + sockets.connections > 0; tries++) await sleep(10);
const closed = {
  connections: server.connections + sockets.connections,
  sessions: resume.stats().sessions,
};
await Promise.all([server.close({ drainMs: 0 }), sockets.close({ drainMs: 0 })]);
console.log(JSON.stringify({ transport, large, counted, datagrams, refused, migrated, closed }));
