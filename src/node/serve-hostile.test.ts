import { once } from "node:events";
import { connect as connectTcp } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { api, ServeSite } from "../../test/serve-site.ts";
import { until } from "../../test/sessions.ts";
import { client } from "../index.ts";

const site = new ServeSite();
const { open, start } = site;

afterEach(() => site.close());

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
