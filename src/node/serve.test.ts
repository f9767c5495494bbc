import { once } from "node:events";
import {
  createServer,
  type Server as HttpServer,
  request as httpRequest,
  type IncomingMessage,
} from "node:http";
import { type AddressInfo, connect as connectTcp, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { Deferred, failure, sleep, until } from "../../test/sessions.ts";
import { client, contract, implement, type Session, serverStream, type, unary } from "../index.ts";
import { connect } from "./dial.ts";
import { type ServeOptions, type Server, serve } from "./serve.ts";

const api = contract({
  add: unary({ input: type<number>(), output: type<number>() }),
  wait: unary({ input: type<void>(), output: type<string>() }),
  flood: serverStream({ input: type<void>(), output: type<string>() }),
});
let gate = new Deferred();
const service = implement(api, {
  add: (number) => number + 1,
  wait: async () => {
    await gate.promise;
    return "done";
  },
  *flood() {
    for (;;) yield "x".repeat(60_000);
  },
});

const LOCAL = "ws://127.0.0.1:0";
const cleanups: (() => unknown)[] = [];

async function start(options: Partial<ServeOptions> = {}): Promise<{ server: Server; url: string }> {
  const server = await serve({ listen: [LOCAL], services: [service], ...options });
  cleanups.push(() => server.close({ drainMs: 0 }));
  return { server, url: server.urls[0] as string };
}

async function open(url: string, options?: Parameters<typeof connect>[1]): Promise<Session> {
  const session = await connect(url, options);
  cleanups.push(() => session.close());
  return session;
}

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  gate = new Deferred();
});

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
}

/** Ask for an upgrade by hand. A status of 101 leaves the socket to the cleanup. */
function upgrade(url: string, headers: Record<string, string> = {}, path?: string): Promise<Answer> {
  const { hostname, port, pathname } = new URL(url);
  const all = {
    connection: "Upgrade",
    upgrade: "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    "sec-websocket-protocol": "tideway.v1",
    ...headers,
  };
  return new Promise((resolve, reject) => {
    const request = httpRequest({ hostname, port, path: path ?? pathname, headers: all, agent: false });
    request.on("error", reject);
    request.on("response", (response) => {
      response.resume();
      resolve({ status: response.statusCode as number, headers: response.headers });
    });
    request.on("upgrade", (response, socket) => {
      socket.on("error", () => {});
      cleanups.push(() => socket.destroy());
      resolve({ status: 101, headers: response.headers });
    });
    request.end();
  });
}

describe("serve()", () => {
  test("serves calls over a real socket, and cleans up when it closes", async () => {
    const { server, url } = await start();
    const session = await open(url);
    expect(await client(session, api).add(1)).toBe(2);
    expect([server.connections, server.sessions.size]).toEqual([1, 1]);
    await session.close();
    await until(() => server.connections === 0 && server.sessions.size === 0);
  });

  test("listens on several addresses, with the ports that it got", async () => {
    const { server } = await start({ listen: [LOCAL, "ws://127.0.0.1:0/deep/path", "ws://localhost:0"] });
    expect(server.urls.map((url) => url.replace(/:\d+/, ":n"))).toEqual([
      "ws://127.0.0.1:n/",
      "ws://127.0.0.1:n/deep/path",
      "ws://localhost:n/",
    ]);
    for (const url of server.urls) {
      const session = await open(url);
      expect(await client(session, api).add(1)).toBe(2);
    }
    expect(server.sessions.size).toBe(3);
  });

  test.each(["nonsense", "http://127.0.0.1:0", "wss:", "ws:", ""])(
    "refuses to listen on %j",
    async (address) => {
      const error = await failure(serve({ listen: [address] }));
      expect(error).toBeInstanceOf(TypeError);
      expect(String(error)).toContain(`Cannot listen on ${address}: expected ws://host:port`);
    },
  );

  test("an address that is taken fails, and frees those before it", async () => {
    const { url } = await start();
    const free = createServer();
    free.listen(0, "127.0.0.1");
    await once(free, "listening");
    const { port } = free.address() as AddressInfo;
    free.close();
    await once(free, "close");
    const error = await failure(serve({ listen: [`ws://127.0.0.1:${port}`, url] }));
    expect(error).toMatchObject({ name: "TransportError", message: expect.stringContaining("EADDRINUSE") });
    free.listen(port, "127.0.0.1");
    await once(free, "listening");
    free.close();
  });

  test("negotiates the subprotocol and no compression", async () => {
    const { url } = await start();
    const answer = await upgrade(url, {
      "sec-websocket-extensions": "permessage-deflate; client_max_window_bits",
    });
    expect(answer).toMatchObject({ status: 101, headers: { "sec-websocket-protocol": "tideway.v1" } });
    expect(answer.headers["sec-websocket-extensions"]).toBe(undefined);
  });

  test("answers a plain request with 426", async () => {
    const { url } = await start();
    const response = await fetch(url.replace("ws:", "http:"));
    expect(response.status).toBe(426);
    expect(response.headers.get("upgrade")).toBe("websocket");
  });
});

describe("admission", () => {
  test.each([
    ["another origin", {}, { origin: "https://evil.com" }, 403],
    ["an origin that is not in the list", { origins: ["https://a.com"] }, { origin: "https://b.com" }, 403],
    ["an origin in the list", { origins: ["https://a.com"] }, { origin: "https://a.com" }, 101],
    ["any origin with *", { origins: "*" }, { origin: "https://evil.com" }, 101],
    ["no origin", {}, {}, 101],
    ["another host", { hosts: ["example.com"] }, {}, 403],
    ["a host in the list", { hosts: ["example.com"] }, { host: "example.com:80" }, 101],
    ["another subprotocol", {}, { "sec-websocket-protocol": "graphql-ws" }, 400],
    ["ours among others", {}, { "sec-websocket-protocol": "graphql-ws, tideway.v1" }, 101],
    ["a bad WebSocket key", {}, { "sec-websocket-key": "short" }, 400],
    ["an old WebSocket version", {}, { "sec-websocket-version": "7" }, 400],
    ["h2c", {}, { upgrade: "h2c" }, 400],
  ] as const)("%s", async (_, options, headers, status) => {
    const { server, url } = await start(options);
    expect((await upgrade(url, headers)).status).toBe(status);
    if (status !== 101) await until(() => server.connections === 0);
  });

  test("the page of this server is let in", async () => {
    const { url } = await start();
    expect((await upgrade(url, { origin: url.replace("ws:", "http:").replace(/\/$/, "") })).status).toBe(101);
  });

  test("more connections than maxConnections get 503", async () => {
    const { server, url } = await start({ maxConnections: 1 });
    const session = await open(url);
    expect((await upgrade(url)).status).toBe(503);
    await session.close();
    await until(() => server.connections === 0);
    expect((await upgrade(url)).status).toBe(101);
  });

  test("more handshakes of one address than maxPendingPerAddress get 429", async () => {
    const { url } = await start({ maxPendingPerAddress: 2 });
    expect((await upgrade(url)).status).toBe(101);
    const session = await open(url);
    expect(session.state).toBe("open");
    expect((await upgrade(url)).status).toBe(101);
    expect((await upgrade(url)).status).toBe(429);
    expect(await client(session, api).add(1)).toBe(2);
  });

  test.each(["//", "http://[", "/%zz", "/\\", "*", "/?x=//"])("the target %j harms nobody", async (path) => {
    const { url } = await start();
    const session = await open(url);
    expect([404, 400, 101]).toContain((await upgrade(url, {}, path)).status);
    expect(await client(session, api).add(1)).toBe(2);
  });

  test("another path gets 404, a query does not matter", async () => {
    const { url } = await start({ listen: ["ws://127.0.0.1:0/api"] });
    expect((await upgrade(url, {}, "/")).status).toBe(404);
    expect((await upgrade(url, {}, "/api/")).status).toBe(404);
    expect((await upgrade(url, {}, "/api?token=1")).status).toBe(101);
  });
});

describe("authenticate", () => {
  test("gets the upgrade request too", async () => {
    const { server, url } = await start({
      authenticate: ({ token, request }) => ({
        token: new TextDecoder().decode(token),
        cookie: request.headers.cookie,
        address: request.socket.remoteAddress,
      }),
    });
    await open(url, { auth: "t", headers: { cookie: "a=b" } });
    const [session] = server.sessions;
    expect(session?.principal).toEqual({ token: "t", cookie: "a=b", address: "127.0.0.1" });
  });

  test("a refused client is in no session, and its connection closes", async () => {
    const { server, url } = await start({ authenticate: () => Promise.reject(new Error("who?")) });
    expect(await failure(connect(url))).toMatchObject({ code: "ERR_AUTH", message: "Authentication failed" });
    expect(server.sessions.size).toBe(0);
    await until(() => server.connections === 0);
  });

  test("onSession that rejects ends its session only", async () => {
    let first = true;
    const { url } = await start({
      onSession: async () => {
        if (!first) return;
        first = false;
        throw new Error("secret");
      },
    });
    const session = await connect(url, { reconnect: false }).catch((error: unknown) => ({ closed: error }));
    expect(await session.closed).toMatchObject({ code: "ERR_INTERNAL", message: "Internal error" });
    expect(await client(await open(url), api).add(1)).toBe(2);
  });
});

describe("slow and silent clients", () => {
  const limits = { handshakeMs: 300 };

  test("a connection that says nothing is closed", async () => {
    const { url } = await start({ limits });
    const { hostname, port } = new URL(url);
    for (const head of ["", "GET / HTTP/1.1\r\nHost: x\r\nUpgr"]) {
      const socket = connectTcp(Number(port), hostname);
      socket.write(head);
      socket.resume();
      const since = performance.now();
      await once(socket, "close");
      expect(performance.now() - since).toBeLessThan(2_000);
    }
  });

  test("a WebSocket that says no HELLO is closed, without a word", async () => {
    const { server, url } = await start({ limits });
    const socket = new WebSocket(url, "tideway.v1");
    let messages = 0;
    socket.on("message", () => messages++);
    const [code] = await once(socket, "close");
    expect([code, messages]).toEqual([4_008, 0]);
    await until(() => server.connections === 0);
  });
});

describe("a WebSocket that breaks the rules", () => {
  test.each<[string, (socket: WebSocket) => void, number]>([
    ["a text message", (socket) => socket.send("hello"), 4_001],
    ["a message over the limit", (socket) => socket.send(new Uint8Array(70_000)), 1009],
    ["a message that is no record", (socket) => socket.send(new Uint8Array([9, 9, 9])), 4_001],
    ["an empty message", (socket) => socket.send(new Uint8Array(0)), 4_001],
  ])("%s closes that connection only", async (_, send, expected) => {
    const { server, url } = await start();
    const good = await open(url);
    const socket = new WebSocket(url, "tideway.v1");
    await once(socket, "open");
    send(socket);
    const [code] = await once(socket, "close");
    expect(code).toBe(expected);
    expect(await client(good, api).add(1)).toBe(2);
    await until(() => server.connections === 1);
  });

  test("early data over 8 KiB closes it, before it is let in", async () => {
    const { server, url } = await start({ authenticate: () => new Promise(() => {}) });
    const socket = new WebSocket(url, "tideway.v1");
    await once(socket, "open");
    const hello = Buffer.from(
      "00100001010480010000020481000000030480040000040480100000050240800602447e07027a9808046a736f6e",
      "hex",
    );
    socket.send(hello);
    for (let i = 0; i < 4; i++) socket.send(new Uint8Array(2_500));
    const [code] = await once(socket, "close");
    expect(code).toBe(4_007);
    await until(() => server.connections === 0);
  });
});

describe("attach", () => {
  async function startHttp(): Promise<{ http: HttpServer; url: string }> {
    const http = createServer((_, response) => response.end("page"));
    http.listen(0, "127.0.0.1");
    await once(http, "listening");
    cleanups.push(() => http.close());
    return { http, url: `ws://127.0.0.1:${(http.address() as AddressInfo).port}` };
  }

  test("shares a server with its own requests and upgrades", async () => {
    const { http, url } = await startHttp();
    const other = new WebSocketServer({ noServer: true });
    http.on("upgrade", (request, socket, head) => {
      if (request.url !== "/chat") return;
      other.handleUpgrade(request, socket, head, (webSocket) => webSocket.send("hi"));
    });
    const { server } = await start({ listen: [], attach: [http], path: "/rpc" });
    expect(await client(await open(`${url}/rpc`), api).add(1)).toBe(2);
    expect(await (await fetch(url.replace("ws:", "http:"))).text()).toBe("page");
    const chat = new WebSocket(`${url}/chat`);
    const [message] = await once(chat, "message");
    expect(String(message)).toBe("hi");
    chat.terminate();
    await server.close({ drainMs: 0 });
    expect(http.listening).toBe(true);
    expect(http.listenerCount("upgrade")).toBe(1);
    expect(await (await fetch(url.replace("ws:", "http:"))).text()).toBe("page");
  });

  test("answers 404 for other paths when nobody else could", async () => {
    const { http, url } = await startHttp();
    await start({ listen: [], attach: [http], path: "/rpc" });
    expect((await upgrade(url, {}, "/other")).status).toBe(404);
  });

  test("can be at two paths of one server, and listen too", async () => {
    const { http, url } = await startHttp();
    await start({ attach: [http], path: "/a" });
    await start({ listen: [], attach: [http], path: "/b" });
    for (const path of ["/a", "/b"]) expect(await client(await open(url + path), api).add(1)).toBe(2);
  });
});

describe("close()", () => {
  test("lets an open call finish, and the client goes to the next server on the port", async () => {
    const { server, url } = await start();
    const session = await open(url, { reconnect: { minMs: 1 } });
    const calls = client(session, api);
    const waiting = calls.wait();
    await until(() => server.sessions.values().next().value?.stats().streams === 1);
    const closed = server.close({ drainMs: 5_000 });
    expect(server.close()).toBe(closed);
    await sleep(50);
    expect((await upgrade(url).catch(() => ({ status: "refused" }))).status).toBe("refused");
    gate.resolve();
    expect(await waiting).toBe("done");
    await closed;
    expect([server.connections, server.sessions.size]).toEqual([0, 0]);
    const next = calls.add(1);
    await start({ listen: [url] });
    expect(await next).toBe(2);
    expect(session.stats().reconnects).toBe(1);
  });

  test("ends what is open after drainMs", async () => {
    const { server, url } = await start();
    const session = await open(url, { reconnect: false });
    const waiting = failure(client(session, api).wait());
    await until(() => server.sessions.values().next().value?.stats().streams === 1);
    const since = performance.now();
    await server.close({ drainMs: 100 });
    const took = performance.now() - since;
    expect(took).toBeGreaterThan(90);
    expect(took).toBeLessThan(1_500);
    expect(await waiting).toMatchObject({ code: "ERR_GOING_AWAY" });
    expect(await session.closed).toMatchObject({ code: "ERR_GOING_AWAY" });
  });

  test("does not wait for handshakes, nor for clients that do not read", async () => {
    const { server, url } = await start({
      limits: { maxStreamWindowBytes: 64 << 20, maxSessionWindowBytes: 64 << 20 },
    });
    await upgrade(url);
    const stalled: Socket[] = [];
    const socket = new WebSocket(url, "tideway.v1");
    socket.on("upgrade", (response) => stalled.push(response.socket));
    await once(socket, "open");
    stalled[0]?.pause();
    const session = await open(url, { reconnect: false });
    const flood = client(session, api).flood();
    await flood.receive();
    const since = performance.now();
    await server.close({ drainMs: 20 });
    expect(performance.now() - since).toBeLessThan(7_000);
    expect(server.connections).toBe(0);
    socket.terminate();
  });

  test("leaves no handle open", async () => {
    const { server, url } = await start();
    const before = handles();
    const session = await connect(url);
    const calls = client(session, api);
    await calls.add(1);
    await session.close();
    await server.close();
    await until(() => handles() <= before - 1);
  });

  test("await using closes it", async () => {
    const { server, url } = await start();
    await server[Symbol.asyncDispose]();
    expect(await failure(connect(url))).toMatchObject({ code: "ERR_CONNECTION_LOST" });
  });
});

/** Sockets, servers and timers that keep the process alive. */
function handles(): number {
  return process.getActiveResourcesInfo().filter((name) => /TCP|Timeout/.test(name)).length;
}
