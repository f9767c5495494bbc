import { once } from "node:events";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { failure } from "../../test/sessions.ts";
import { makeCertificate } from "../../test/wt-pair.ts";
import { choiceOf, client, contract, implement, type Server, SessionStore, type, unary } from "../index.ts";
import { type ConnectReport, connect, type NodeConnectOptions } from "./dial.ts";
import { serve } from "./serve.ts";
import { serveWebTransport } from "./serve-webtransport.ts";
import { loadPackage, WINDOWS } from "./webtransport-package.ts";

const api = contract({ add: unary({ input: type<number>(), output: type<number>() }) });
const certificate = makeCertificate();
const ends: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function started(server: Promise<Server>): Promise<Server> {
  const found = await server;
  ends.push(() => found.close({ drainMs: 0 }));
  return found;
}

/** A server for both, with HTTP/2 for WebTransport, and how it is dialed. */
async function start(): Promise<{
  readonly url: string;
  readonly options: NodeConnectOptions;
  calls: () => number;
}> {
  let calls = 0;
  const add = (number: number) => {
    calls++;
    return number + 1;
  };
  const shared = { services: [implement(api, { add })], resume: new SessionStore() };
  const native = await started(
    serveWebTransport({ ...shared, ...certificate, listen: "https://127.0.0.1:0/", reliable: true }),
  );
  const http = createServer({ cert: certificate.cert, key: certificate.key });
  await started(serve({ ...shared, attach: [http] }));
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  ends.push(() => http.close());
  const options: NodeConnectOptions = {
    headStartMs: 3_000,
    tls: { ca: certificate.cert },
    webSocketUrl: `wss://127.0.0.1:${(http.address() as AddressInfo).port}/`,
    webTransport: {
      reliable: true,
      serverCertificateHashes: [{ algorithm: "sha-256", value: certificate.hash }],
    },
  };
  return { url: native.urls[0] as string, options, calls: () => calls };
}

/** A WebTransport server that takes sessions and never says a word. */
async function startSilent(): Promise<string> {
  const { Http2Server } = await loadPackage(true);
  const { cert, key: privKey } = certificate;
  const listener = new Http2Server({
    host: "127.0.0.1",
    port: 0,
    secret: "secret",
    cert,
    privKey,
    ...WINDOWS,
  });
  const sessions = listener.sessionStream("/").getReader();
  listener.startServer();
  await listener.ready;
  ends.push(() => listener.stopServer());
  void sessions.read().then(({ value }) => value?.closed.catch(() => {}));
  return `https://127.0.0.1:${listener.address()?.port}/`;
}

describe("connect() of Node to an https: URL", () => {
  test("takes WebTransport, and tells why and how long it took", async () => {
    const { url, options } = await start();
    const reports: ConnectReport[] = [];
    const session = await connect(url, { ...options, onConnect: (report) => reports.push(report) });
    expect(choiceOf(session)).toMatchObject({
      transport: "webtransport",
      reasons: [
        "webtransport has a head start of 3000 ms",
        expect.stringMatching(/^webtransport answered after \d+ ms$/),
        "websocket was not needed",
      ],
    });
    expect(reports.map(({ transport }) => transport)).toEqual(["webtransport"]);
    const { dialMs = 0, handshakeMs = 0 } = session.stats();
    expect([dialMs > 0, handshakeMs > 0]).toEqual([true, true]);
    expect(await client(session, api).add(1)).toBe(2);
    await session.close();
  });

  test("takes WebSocket when WebTransport opens and says nothing, and remembers it for the origin", async () => {
    const { options, calls } = await start();
    const silent = await startSilent();
    const session = await connect(silent, { ...options, headStartMs: 50 });
    expect(choiceOf(session)?.transport).toBe("websocket");
    expect(choiceOf(session)?.contenders[0]).toMatchObject({ name: "webtransport", outcome: "lost" });
    expect(await client(session, api).add(1)).toBe(2);
    await session.close();
    const again = await connect(silent, options);
    expect(choiceOf(again)?.reasons[0]).toBe("no head start: websocket won last time");
    await again.close();
    expect(calls()).toBe(1);
  });

  test("takes WebSocket when nobody answers WebTransport", async () => {
    const { options } = await start();
    const session = await connect("https://127.0.0.1:1/", options);
    expect(choiceOf(session)?.reasons[1]).toMatch(/^webtransport failed after \d+ ms: /);
    expect(session.stats().transport).toBe("websocket");
    await session.close();
  });

  test("takes WebSocket where there is no HTTP/3, and says so once", async () => {
    const { url, options } = await start();
    const warnings: Error[] = [];
    const onWarning = (warning: Error) => warnings.push(warning);
    process.on("warning", onWarning);
    ends.push(() => process.removeListener("warning", onWarning));
    const { webTransport: _, ...withoutHttp2 } = options;
    for (const _ of [1, 2]) {
      const session = await connect(url, withoutHttp2);
      expect(choiceOf(session)).toEqual({
        transport: "websocket",
        reasons: [expect.stringMatching(/^Cannot use WebTransport over HTTP\/3: install /)],
        contenders: [],
      });
      await session.close();
    }
    await new Promise((resolve) => setImmediate(resolve));
    const told = warnings.filter((each) => (each as { code?: string }).code === "TIDEWAY_NO_WEBTRANSPORT");
    expect(told.map(({ message }) => message.split("\n").length)).toEqual([1]);
  });

  test("WebTransport can be turned off", async () => {
    const { url, options } = await start();
    const session = await connect(url, { ...options, webTransport: false });
    expect(choiceOf(session)?.reasons).toEqual(["WebTransport is turned off"]);
    await session.close();
  });

  test("http: means WebSocket without TLS, and nothing else", async () => {
    const server = await started(serve({ listen: ["ws://127.0.0.1:0"] }));
    const session = await connect((server.urls[0] as string).replace("ws:", "http:"));
    expect(choiceOf(session)).toMatchObject({
      transport: "websocket",
      reasons: ["WebTransport needs https:"],
    });
    await session.close();
  });

  test("an abort ends both ways", async () => {
    const { options } = await start();
    const silent = await startSilent();
    const mute = createServer({ cert: certificate.cert, key: certificate.key });
    mute.on("upgrade", () => {});
    mute.listen(0, "127.0.0.1");
    await once(mute, "listening");
    ends.push(() => mute.closeAllConnections());
    ends.push(() => mute.close());
    const abort = new AbortController();
    const connecting = failure(
      connect(silent, {
        ...options,
        headStartMs: 0,
        webSocketUrl: `wss://127.0.0.1:${(mute.address() as AddressInfo).port}/`,
        signal: abort.signal,
      }),
    );
    setTimeout(() => abort.abort("enough"), 300);
    expect(await connecting).toBe("enough");
  });
});
