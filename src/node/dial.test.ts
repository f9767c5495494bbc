import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, createServer as createTcpServer, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import { failure, until } from "../../test/sessions.ts";
import { WireError } from "../index.ts";
import { type ConnectReport, connect, dial } from "./dial.ts";
import { serve } from "./serve.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A server that takes connections and says nothing. */
async function startSilent(): Promise<{ url: string; sockets: Set<Socket> }> {
  const sockets = new Set<Socket>();
  const tcp = createTcpServer((socket) => {
    sockets.add(socket);
    socket.resume();
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
  });
  tcp.listen(0, "127.0.0.1");
  await once(tcp, "listening");
  cleanups.push(() => {
    tcp.close();
    for (const socket of sockets) socket.destroy();
  });
  return { url: `ws://127.0.0.1:${(tcp.address() as AddressInfo).port}`, sockets };
}

/** A WebSocket server that lets anybody in and says nothing. */
async function startMute(): Promise<{ url: string; sockets: Set<WebSocket> }> {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  await once(server, "listening");
  cleanups.push(() => {
    for (const socket of server.clients) socket.terminate();
    server.close();
  });
  return { url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`, sockets: server.clients };
}

describe("connect() in Node", () => {
  test("gives up on a server that does not answer the upgrade, and closes the socket", async () => {
    const { url, sockets } = await startSilent();
    const since = performance.now();
    expect(await failure(connect(url, { connectTimeoutMs: 50 }))).toMatchObject({ code: "ERR_TIMEOUT" });
    expect(performance.now() - since).toBeLessThan(1_000);
    await until(() => sockets.size === 0);
  });

  test("gives up on a server that says no HELLO, and closes the socket", async () => {
    const { url, sockets } = await startMute();
    expect(await failure(connect(url, { connectTimeoutMs: 50 }))).toMatchObject({ code: "ERR_TIMEOUT" });
    await until(() => sockets.size === 0);
  });

  test("can be aborted while it dials and while it shakes hands", async () => {
    for (const { url, sockets } of [await startSilent(), await startMute()]) {
      const abort = new AbortController();
      const attempt = failure(connect(url, { signal: abort.signal }));
      await until(() => sockets.size === 1);
      abort.abort(new DOMException("left the page", "AbortError"));
      expect(await attempt).toBe(abort.signal.reason);
      await until(() => sockets.size === 0);
    }
  });

  test("says why it cannot connect", async () => {
    const { url } = await startSilent();
    for (const cleanup of cleanups.splice(0)) await cleanup();
    const error = await failure(connect(url));
    expect(error).toBeInstanceOf(WireError);
    expect(error).toMatchObject({
      code: "ERR_CONNECTION_LOST",
      message: expect.stringContaining("ECONNREFUSED"),
    });
  });

  test("refuses an address with a fragment", async () => {
    const error = await failure(connect("ws://127.0.0.1/#fragment"));
    expect(error).toBeInstanceOf(WireError);
    expect((error as WireError).message).toMatch(/^Cannot connect: /);
  });

  test.each(["nonsense", "ftp://127.0.0.1", "tcp://127.0.0.1", "tls://h:1/path", "ipc:../x", ""])(
    "refuses the address %j",
    async (url) => {
      const error = await failure(connect(url));
      expect(error).toBeInstanceOf(TypeError);
      expect(String(error)).toContain(`Cannot connect to ${url}: expected ws:// or wss:// with a host, tcp:`);
      expect(() => dial(url)).toThrow(TypeError);
    },
  );

  test("onConnect hears of each connection, and what it throws ends the attempt", async () => {
    const server = await serve({ listen: ["ws://127.0.0.1:0"] });
    cleanups.push(() => server.close());
    const [url] = server.urls as [string];
    const reports: ConnectReport[] = [];
    const session = await connect(url, { onConnect: (report) => reports.push(report) });
    expect(reports).toEqual([{ url, transport: "websocket", connectMs: expect.any(Number) }]);
    expect(reports[0]?.connectMs).toBeGreaterThan(0);
    await session.close();
    const fail = () => {
      throw new Error("not this one");
    };
    expect(await failure(connect(url, { onConnect: fail }))).toMatchObject({
      message: "Cannot connect: not this one",
    });
    await until(() => server.connections === 0);
  });

  test("refuses headers with a line break", async () => {
    const { url, sockets } = await startSilent();
    const headers = { cookie: "a=b\r\nx-admin: 1" };
    expect(await failure(connect(url, { headers }))).toMatchObject({ cause: { code: "ERR_INVALID_CHAR" } });
    expect(sockets.size).toBe(0);
  });

  test("follows no redirect", async () => {
    let requests = 0;
    const http = createServer();
    http.on("upgrade", (_, socket) => {
      requests++;
      socket.end("HTTP/1.1 302 Found\r\nLocation: ws://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n");
    });
    http.listen(0, "127.0.0.1");
    await once(http, "listening");
    cleanups.push(() => http.close());
    const error = await failure(connect(`ws://127.0.0.1:${(http.address() as AddressInfo).port}`));
    expect(error).toMatchObject({ message: expect.stringContaining("302") });
    expect(requests).toBe(1);
  });

  test("sends headers, the subprotocol and no extension", async () => {
    const seen: (string | undefined)[] = [];
    const server = await serve({
      listen: ["ws://127.0.0.1:0"],
      origins: ["https://app.example.com"],
      authenticate: ({ request: { headers } }) => {
        seen.push(headers.cookie, headers["sec-websocket-protocol"], headers["sec-websocket-extensions"]);
      },
    });
    cleanups.push(() => server.close());
    const headers = { cookie: "a=b", origin: "https://app.example.com" };
    const session = await connect(new URL(server.urls[0] as string), { headers });
    expect(seen).toEqual(["a=b", "tideway.v1", undefined]);
    await session.close();
  });

  test("a server that sends too long a message loses this connection", async () => {
    const { url, sockets } = await startMute();
    const attempt = failure(connect(url));
    await until(() => sockets.size === 1);
    for (const socket of sockets) socket.send(new Uint8Array(100_000));
    expect(await attempt).toMatchObject({ code: "ERR_CONNECTION_LOST" });
  });
});
