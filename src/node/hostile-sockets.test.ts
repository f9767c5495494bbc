import { once } from "node:events";
import { describe, expect, test } from "vitest";
import { until } from "../../test/sessions.ts";
import { api, KINDS, SocketSites } from "../../test/socket-site.ts";
import { MAGIC } from "../core/wire/record.ts";
import { client } from "../index.ts";

const sites = new SocketSites();

describe.each(KINDS)("hostile bytes over %s", (kind) => {
  const NOISE = new Uint8Array(100_000).map((_, i) => (i * 7919 + (i >> 3)) & 255);
  const LENGTHS: readonly (readonly [string, Uint8Array])[] = [
    ["an HTTP request", Buffer.from("GET / HTTP/1.1\r\nHost: a\r\n\r\n")],
    ["noise", NOISE],
    ["the magic and noise", Buffer.concat([MAGIC, NOISE])],
    ["a record that claims a gigabyte", Buffer.concat([MAGIC, Buffer.from("bffffff0", "hex")])],
    ["an empty record", Buffer.concat([MAGIC, Buffer.from([0])])],
    ["a record that is no HELLO", Buffer.concat([MAGIC, Buffer.from("0400700000", "hex")])],
  ];

  test.each(LENGTHS)("%s is closed without a word, and hurts nobody", async (_, bytes) => {
    const { server, url } = await sites.start(kind);
    const session = await sites.open(url);
    const numbers = client(session, api).count(20);
    const attackers = await Promise.all(Array.from({ length: 5 }, () => sites.openBare(url)));
    const heard: Buffer[] = [];
    for (const socket of attackers) socket.on("data", (data) => heard.push(data)).write(bytes);
    const counted: number[] = [];
    for await (const number of numbers) counted.push(number);
    expect(counted.length).toBe(20);
    await until(() => server.connections === 1);
    expect(heard).toEqual([]);
    expect(session.stats().reconnects).toBe(0);
  });

  test.each([
    ["nothing", new Uint8Array(0)],
    ["half a magic", MAGIC.subarray(0, 4)],
    ["half a length", Buffer.concat([MAGIC, new Uint8Array([0x40])])],
    ["half a HELLO", Buffer.concat([MAGIC, Buffer.from("2e001000", "hex")])],
  ])("%s and then silence is closed after handshakeMs", async (_, bytes) => {
    const { server, url } = await sites.start(kind, { limits: { handshakeMs: 150 } });
    const session = await sites.open(url);
    const socket = await sites.openBare(url);
    socket.write(bytes);
    await until(() => server.connections === 2);
    await once(socket.resume(), "close");
    await until(() => server.connections === 1);
    expect(await client(session, api).add(1)).toBe(2);
  });

  test("a client that goes at any point leaves nothing behind", async () => {
    const { server, url } = await sites.start(kind);
    for (const end of ["end", "destroy"] as const) {
      for (const bytes of [new Uint8Array(0), MAGIC.subarray(0, 3), MAGIC]) {
        const socket = await sites.openBare(url);
        socket.write(bytes);
        socket[end]();
      }
    }
    await until(() => server.connections === 0);
    expect(server.sessions.size).toBe(0);
  });
});
