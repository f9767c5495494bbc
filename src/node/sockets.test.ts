import type { Socket } from "node:net";
import { describe, expect, test } from "vitest";
import { sessionSuite } from "../../test/conformance/session.ts";
import { Deferred, failure, sleep, until } from "../../test/sessions.ts";
import { api, KINDS, LISTEN, SocketSites, serving, trusting } from "../../test/socket-site.ts";
import { client, type Session } from "../index.ts";
import { connect, dial } from "./dial.ts";
import { serve } from "./serve.ts";

// Sessions over real sockets, as servers and clients of this package open them.

const sites = new SocketSites();

for (const kind of KINDS) {
  sessionSuite(kind, async (clientOptions, { onSession, authenticate, ...serverOptions }) => {
    const accepted = new Deferred<Session>();
    const sockets: Socket[] = [];
    const server = await serve({
      ...serverOptions,
      ...serving,
      listen: [LISTEN[kind]],
      authenticate: (request) => {
        sockets.push(request.request.socket);
        return authenticate?.(request);
      },
      onSession: (session) => {
        accepted.resolve(session);
        return onSession?.(session);
      },
    });
    const session = await connect(server.urls[0] as string, {
      reconnect: false,
      ...trusting,
      ...clientOptions,
    });
    return {
      client: session,
      server: await accepted.promise,
      lose: () => {
        for (const socket of sockets) socket.destroy();
      },
      cleanup: () => server.close({ drainMs: 0 }),
    };
  });
}

describe.each(KINDS)("sessions over %s", (kind) => {
  test("urls says what to dial, and the session which transport it has", async () => {
    const { server, url } = await sites.start(kind);
    expect(url).toMatch(
      { tcp: /^tcp:\/\/127.0.0.1:\d\d+$/, tls: /^tls:\/\/127.0.0.1:\d\d+$/, ipc: /^ipc:test$/ }[kind],
    );
    const reports: object[] = [];
    const session = await sites.open(url, { onConnect: (report) => reports.push(report) });
    expect(await client(session, api).add(1)).toBe(2);
    const transport = kind === "ipc" ? "ipc" : "tcp";
    expect(session.stats().transport).toBe(transport);
    expect(reports).toEqual([{ url, transport, connectMs: expect.any(Number) }]);
    expect([server.connections, server.sessions.size]).toEqual([1, 1]);
    await session.close();
    await until(() => server.connections === 0 && server.sessions.size === 0);
  });

  test("go on after the server's socket was destroyed", async () => {
    const { server, sockets, url } = await sites.start(kind);
    const session = await sites.open(url, { reconnect: { minMs: 1, maxMs: 20 } });
    const numbers: number[] = [];
    const counting = (async () => {
      for await (const number of client(session, api).count(200)) numbers.push(number);
    })();
    const waiting = client(session, api).wait();
    for (let i = 0; i < 4; i++) {
      await sleep(20);
      sockets.at(-1)?.destroy();
      await until(() => session.stats().resumes === i + 1 && session.state === "open");
    }
    sites.gate.resolve();
    expect(await waiting).toBe("done");
    await counting;
    expect(numbers).toEqual(Array.from({ length: 200 }, (_, i) => i));
    expect([server.sessions.size, sockets.length]).toEqual([1, 5]);
  });

  test("authenticate() sees the socket and the token, and can refuse", async () => {
    const seen: unknown[] = [];
    const { server, url } = await sites.start(kind, {
      authenticate: ({ token, request }) => {
        seen.push(request.headers, request.url, request.socket.remoteAddress);
        if (new TextDecoder().decode(token) !== "secret") throw new Error("no");
      },
    });
    expect(await failure(sites.open(url, { auth: "wrong", reconnect: false }))).toMatchObject({
      code: "ERR_AUTH",
    });
    await sites.open(url, { auth: "secret" });
    const address = kind === "ipc" ? undefined : "127.0.0.1";
    expect(seen).toEqual([{}, undefined, address, {}, undefined, address]);
    await until(() => server.connections === 1);
  });

  test("over the limits of admission a connection is closed at once", async () => {
    const { server, url } = await sites.start(kind, { maxConnections: 3, maxPendingPerAddress: 2 });
    const session = await sites.open(url);
    const pending = [await sites.openBare(url), await sites.openBare(url)];
    await until(() => server.connections === 3);
    expect(await failure(sites.open(url, { reconnect: false, connectTimeoutMs: 2_000 }))).toMatchObject({
      code: "ERR_CONNECTION_LOST",
    });
    expect(server.connections).toBe(3);
    for (const socket of pending) socket.destroy();
    await until(() => server.connections === 1);
    expect(await client(session, api).add(1)).toBe(2);
    await sites.open(url);
  });

  test("hosts and origins are a matter of WebSocket", async () => {
    const { url } = await sites.start(kind, { hosts: ["example.com"], origins: [] });
    expect(await client(await sites.open(url), api).add(1)).toBe(2);
  });

  test("close() lets an open call finish, and takes no new client", async () => {
    const { server, url } = await sites.start(kind);
    const session = await sites.open(url, { reconnect: { minMs: 1 } });
    const waiting = client(session, api).wait();
    await until(() => [...server.sessions].some((each) => each.stats().streams === 1));
    const closed = server.close({ drainMs: 5_000 });
    await sleep(30);
    expect(await failure(connect(url, { ...trusting, reconnect: false }))).toMatchObject({
      code: "ERR_CONNECTION_LOST",
      message: expect.stringContaining(`Cannot connect to ${url}: `),
    });
    sites.gate.resolve();
    expect(await waiting).toBe("done");
    await closed;
    expect([server.connections, server.sessions.size]).toEqual([0, 0]);
    const next = client(session, api).add(1);
    await sites.start(kind, { listen: [url] });
    expect(await next).toBe(2);
  });

  test("close() waits neither for silent clients nor for those that do not read", async () => {
    const limits = { maxStreamWindowBytes: 64 << 20, maxSessionWindowBytes: 64 << 20 };
    const { server, url, sockets } = await sites.start(kind, { limits });
    await sites.openBare(url);
    const session = await sites.open(url, { reconnect: false });
    const flood = client(session, api).flood();
    await flood.receive();
    sockets[0]?.pause();
    const since = performance.now();
    await server.close({ drainMs: 20 });
    expect(performance.now() - since).toBeLessThan(4_000);
    expect(server.connections).toBe(0);
  });

  test("a process that waits for them only would end when they are closed", async () => {
    const before = handles();
    const { server, url } = await sites.start(kind);
    const session = await sites.open(url);
    await client(session, api).add(1);
    await session.close();
    await server.close();
    await until(() => handles() <= before);
  });

  test("can carry on a session of another transport", async () => {
    const { server, url } = await sites.start(kind, { listen: ["ws://127.0.0.1:0", LISTEN[kind]] });
    expect(server.urls.length).toBe(2);
    const session = await sites.open(url);
    const waiting = client(session, api).wait();
    await session.migrate(await dial(server.urls[1] as string, trusting)(AbortSignal.timeout(2_000)));
    expect(session.stats().transport).toBe(kind === "ipc" ? "ipc" : "tcp");
    sites.gate.resolve();
    expect(await waiting).toBe("done");
    expect(server.sessions.size).toBe(1);
  });
});

describe("serve()", () => {
  test("listens on all kinds at once, with one set of sessions", async () => {
    const { server } = await sites.start("tcp", {
      listen: ["ws://127.0.0.1:0", ...KINDS.map((kind) => LISTEN[kind])],
    });
    const sessions: Session[] = [];
    for (const url of server.urls) sessions.push(await sites.open(url));
    for (const session of sessions) expect(await client(session, api).add(1)).toBe(2);
    expect(server.sessions.size).toBe(KINDS.length + 1);
    expect(new Set(sessions.map((session) => session.stats().transport))).toEqual(
      new Set(["websocket", "tcp", "ipc"]),
    );
  });

  test("an address that is taken fails, and frees those before it", async () => {
    const { url } = await sites.start("tcp");
    const error = await failure(serve({ listen: ["ipc:first", url] }));
    expect(error).toMatchObject({
      name: "TransportError",
      message: `Cannot listen on ${url}: listen EADDRINUSE: address already in use ${url.slice(6)}`,
    });
    const freed = await serve({ listen: ["ipc:first"] });
    await freed.close();
  });
});

describe("connect()", () => {
  test("says why it cannot", async () => {
    const { server, url } = await sites.start("tcp");
    await server.close();
    expect(await failure(connect(url))).toMatchObject({
      code: "ERR_CONNECTION_LOST",
      message: `Cannot connect to ${url}: connect ECONNREFUSED ${url.slice(6)}`,
    });
    const named = url.replace("127.0.0.1", "localhost");
    expect(await failure(connect(named))).toMatchObject({
      message: expect.stringMatching(/^Cannot connect to tcp:\/\/localhost:\d+: connect ECONNREFUSED/),
    });
  });

  test("gives up on a server that says nothing, and can be aborted", async () => {
    const { server, url } = await sites.start("tcp", { authenticate: () => new Promise(() => {}) });
    expect(await failure(connect(url, { connectTimeoutMs: 50 }))).toMatchObject({ code: "ERR_TIMEOUT" });
    const abort = new AbortController();
    const attempt = failure(connect(url, { signal: abort.signal }));
    await until(() => server.connections > 0);
    abort.abort(new DOMException("left", "AbortError"));
    expect(await attempt).toBe(abort.signal.reason);
    await until(() => server.connections === 0);
  });

  test("an abort while it dials closes the socket", async () => {
    const abort = new AbortController();
    const attempt = failure(dial("tcp://192.0.2.1:9")(abort.signal)); // an address that answers nobody
    abort.abort(new Error("enough"));
    expect(await attempt).toBe(abort.signal.reason);
    expect(await failure(dial("tcp://192.0.2.1:9")(abort.signal))).toBe(abort.signal.reason);
  });
});

/** Sockets, pipes, servers and timers that keep the process alive. */
function handles(): number {
  return process.getActiveResourcesInfo().filter((name) => /TCP|Pipe|TLS|Timeout/.test(name)).length;
}
