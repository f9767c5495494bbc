import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { until } from "../sessions.ts";
import { type LinkShape, SlowLink } from "./slow-link.ts";

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A server that hands over its sockets, behind a slow link, and a client of it. */
async function start(shape: LinkShape): Promise<{ link: SlowLink; client: Socket; server: Socket }> {
  const listener = createServer({ noDelay: true, allowHalfOpen: true });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  const link = await SlowLink.open((listener.address() as AddressInfo).port, shape);
  const accepted = once(listener, "connection") as Promise<[Socket]>;
  const client = connect({ port: link.port, host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
  const [server] = await accepted;
  for (const socket of [client, server]) socket.on("error", () => {});
  cleanups.push(async () => {
    client.destroy();
    await link.close();
    listener.close();
  });
  return { link, client, server };
}

function receivedBy(socket: Socket): { bytes: Buffer } {
  const received = { bytes: Buffer.alloc(0) };
  socket.on("data", (chunk: Buffer) => {
    received.bytes = Buffer.concat([received.bytes, chunk]);
  });
  return received;
}

describe("a slow link", () => {
  test("takes its delay in each direction", async () => {
    const { client, server } = await start({ bitsPerSecond: 1e9, delayMs: 60 });
    server.on("data", (chunk: Buffer) => server.write(chunk));
    const answered = once(client, "data");
    const startedAt = performance.now();
    client.write("hello");
    expect(String((await answered)[0])).toBe("hello");
    const elapsed = performance.now() - startedAt;
    expect(elapsed).toBeGreaterThanOrEqual(118);
  });

  test("carries no more than its rate, every byte in order", async () => {
    const { client, server } = await start({ bitsPerSecond: 8e6, delayMs: 0 });
    const received = receivedBy(server);
    const sent = Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index * 7) & 255));
    const startedAt = performance.now();
    client.write(sent);
    await until(() => received.bytes.length === sent.length);
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(295); // 300 kB at 1 MB/s
    expect(received.bytes.equals(sent)).toBe(true);
  });

  test("holds up a sender that is faster", async () => {
    const { client } = await start({ bitsPerSecond: 8_000, delayMs: 0 });
    while (client.write(Buffer.alloc(1 << 20)));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(client.writableLength).toBeGreaterThan(0);
  });

  test("passes on the end behind all bytes", async () => {
    const { client, server } = await start({ bitsPerSecond: 8e6, delayMs: 20 });
    const received = receivedBy(server);
    client.end("last");
    await once(server, "end");
    expect(String(received.bytes)).toBe("last");
  });

  test("cuts what passes, and goes on with what comes after", async () => {
    const { link, client, server } = await start({ bitsPerSecond: 8e6, delayMs: 5 });
    const ended = Promise.all([once(client, "close"), once(server, "close")]);
    expect(link.cut()).toBe(1);
    client.destroy();
    server.resume().end();
    await ended;
    expect(link.cut()).toBe(0);
  });
});
