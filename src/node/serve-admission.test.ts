import { afterEach, describe, expect, test } from "vitest";
import { api, ServeSite } from "../../test/serve-site.ts";
import { failure, until } from "../../test/sessions.ts";
import { client } from "../index.ts";
import { connect } from "./dial.ts";

const site = new ServeSite();
const { open, start, upgrade } = site;

afterEach(() => site.close());

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
