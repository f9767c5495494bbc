import { afterEach, describe, expect, test } from "vitest";
import { ChaosProxy } from "../../test/chaos/proxy.ts";
import { sessionSuite } from "../../test/conformance/session.ts";
import { Deferred, failure, until } from "../../test/sessions.ts";
import { makeCertificate } from "../../test/wt-pair.ts";
import {
  client,
  connectWith,
  contract,
  implement,
  type Server,
  type Session,
  SessionStore,
  type,
  unary,
} from "../index.ts";
import { dialWebSocket } from "./dial-websocket.ts";
import { dialWebTransport } from "./dial-webtransport.ts";
import { serve } from "./serve.ts";
import { serveWebTransport, type WebTransportServeOptions } from "./serve-webtransport.ts";

const api = contract({ add: unary({ input: type<number>(), output: type<number>() }) });
const services = [implement(api, { add: (number) => number + 1 })];
const certificate = makeCertificate();
const trusted = {
  reliable: true,
  serverCertificateHashes: [{ algorithm: "sha-256", value: certificate.hash }],
} as const;

const servers: Server[] = [];

async function start(options: Partial<WebTransportServeOptions> = {}): Promise<Server> {
  const server = await serveWebTransport({
    listen: "https://127.0.0.1:0/",
    reliable: true,
    services,
    ...certificate,
    ...options,
  });
  servers.push(server);
  return server;
}

afterEach(async () => {
  for (const server of servers.splice(0)) await server.close({ drainMs: 0 });
});

describe("WebTransport in Node, over HTTP/2", () => {
  test("carries calls, and is closed in order by both sides", async () => {
    const server = await start();
    const url = server.urls[0] as string;
    const session = await connectWith(dialWebTransport(url, trusted));
    expect(session.stats().transport).toBe("webtransport");
    expect(await client(session, api).add(1)).toBe(2);
    expect(server.connections).toBe(1);
    await session.close();
    await until(() => server.connections === 0 && server.store?.stats().sessions === 0);

    const another = await connectWith(dialWebTransport(url, trusted), { reconnect: false });
    await server.close({ drainMs: 0 });
    expect(await another.closed).toMatchObject({ code: "ERR_GOING_AWAY" });
    expect(server.connections).toBe(0);
  });

  test("authenticate() hears what the client came by", async () => {
    const heard: unknown[] = [];
    const server = await start({
      authenticate: ({ request }) => {
        heard.push(new URL(request.url).pathname, request.headers[":path"], request.address.split(":")[0]);
        return "me";
      },
    });
    const session = await connectWith(dialWebTransport(server.urls[0] as string, trusted), { auth: "token" });
    expect(heard).toEqual(["/", "/", "127.0.0.1"]);
    await session.close();
  });

  test("datagrams go past the lane", async () => {
    const server = await start({
      onSession: (session) => {
        session.addEventListener("datagram", ({ payload }) => session.sendDatagram(payload));
      },
    });
    const session = await connectWith(dialWebTransport(server.urls[0] as string, trusted));
    const got: number[] = [];
    session.addEventListener("datagram", ({ payload }) => got.push(payload.length));
    const { recordsSent } = session.stats();
    for (let size = 1; size <= 100; size++) expect(session.sendDatagram(new Uint8Array(size))).toBe(true);
    await until(() => got.length === 100);
    expect(got).toEqual(Array.from({ length: 100 }, (_, at) => at + 1));
    expect(session.stats().recordsSent).toBe(recordsSent);
    await session.close();
  });

  test("a session moves between a server for WebSocket and one for WebTransport that share a store", async () => {
    const resume = new SessionStore();
    const native = await start({ resume });
    const sockets = await serve({ listen: ["ws://127.0.0.1:0"], services, resume });
    servers.push(sockets);
    const session = await connectWith(dialWebSocket(sockets.urls[0] as string));
    const { signal } = new AbortController();
    await session.migrate(await dialWebTransport(native.urls[0] as string, trusted)(signal));
    expect(session.stats().transport).toBe("webtransport");
    expect(await client(session, api).add(1)).toBe(2);
    await session.migrate(await dialWebSocket(sockets.urls[0] as string)(signal));
    expect(session.stats()).toMatchObject({ transport: "websocket", migrations: 2 });
    expect(await client(session, api).add(2)).toBe(3);
    await session.close();
    await until(() => native.connections === 0);
  });

  test("a client that cannot get in is told", async () => {
    const server = await start({ maxConnections: 1 });
    const url = server.urls[0] as string;
    const session = await connectWith(dialWebTransport(url, trusted));
    expect(await failure(connectWith(dialWebTransport(url, trusted)))).toMatchObject({
      code: "ERR_CONNECTION_LOST",
    });
    expect(await failure(connectWith(dialWebTransport(`${url}elsewhere`, trusted)))).toMatchObject({
      code: "ERR_CONNECTION_LOST",
    });
    await session.close();
  });

  test("a certificate that is not the one that was named is refused", async () => {
    const server = await start();
    const value = new Uint8Array(32);
    const dial = dialWebTransport(server.urls[0] as string, {
      reliable: true,
      serverCertificateHashes: [{ algorithm: "sha-256", value }],
    });
    expect(await failure(connectWith(dial))).toMatchObject({ code: "ERR_CONNECTION_LOST" });
  });

  test("HTTP/3 without its addon is refused in one line", async () => {
    const text =
      "Cannot use WebTransport over HTTP/3: install @fails-components/webtransport-transport-http3-quiche, " +
      "or choose `reliable` for HTTP/2";
    expect(await failure(start({ reliable: false }))).toMatchObject({ message: text });
    const dial = dialWebTransport("https://127.0.0.1:1/");
    expect(await failure(dial(new AbortController().signal))).toMatchObject({ message: text });
  });

  test("serveWebTransport() refuses addresses that it cannot use", async () => {
    expect(await failure(start({ listen: "ws://127.0.0.1:0" }))).toBeInstanceOf(TypeError);
    const server = await start();
    expect(await failure(start({ listen: server.urls[0] as string }))).toMatchObject({
      code: "ERR_CONNECTION_LOST",
      message: expect.stringContaining("EADDRINUSE"),
    });
  });
});

sessionSuite("WebTransport", async (clientOptions, { onSession, authenticate, ...serverOptions }) => {
  const accepted = new Deferred<Session>();
  const { store: _, ...own } = serverOptions;
  const server = await serveWebTransport({
    ...own,
    ...certificate,
    listen: "https://127.0.0.1:0/",
    reliable: true,
    ...(authenticate === undefined ? {} : { authenticate }),
    onSession: (session) => {
      accepted.resolve(session);
      return onSession?.(session);
    },
  });
  const proxy = await ChaosProxy.open(Number(new URL(server.urls[0] as string).port));
  const session = await connectWith(dialWebTransport(`https://127.0.0.1:${proxy.port}/`, trusted), {
    reconnect: false,
    ...clientOptions,
  });
  return {
    client: session,
    server: await accepted.promise,
    lose: () => proxy.strike("reset"),
    cleanup: async () => {
      await server.close({ drainMs: 0 });
      await proxy.close();
    },
  };
});
