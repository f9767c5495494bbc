import { once } from "node:events";
import { createServer, type Server as HttpServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { api, LOCAL, ServeSite } from "../../test/serve-site.ts";
import { failure, sleep, until } from "../../test/sessions.ts";
import { client } from "../index.ts";
import { connect } from "./dial.ts";
import { serve } from "./serve.ts";

const site = new ServeSite();
const { open, start, upgrade } = site;

afterEach(() => site.close());

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

describe("attach", () => {
  async function startHttp(): Promise<{ http: HttpServer; url: string }> {
    const http = createServer((_, response) => response.end("page"));
    http.listen(0, "127.0.0.1");
    await once(http, "listening");
    site.cleanups.push(() => http.close());
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
    site.gate.resolve();
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
