import { once } from "node:events";
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test, vi } from "vitest";
import { makeCertificate } from "../../test/certificate.ts";
import { transportSuite } from "../../test/conformance/transport.ts";
import { Framed } from "../../test/framed.ts";
import { openSocketPair, type SocketKind, type SocketPair } from "../../test/socket-pair.ts";
import { type Bytes, concatBytes } from "../core/bytes.ts";
import { StateError, type WireError } from "../core/errors.ts";
import { MAIN_LANE } from "../core/lanes/lane.ts";
import type { Transport } from "../transports/transport.ts";
import { SocketTransport, type SocketTransportOptions } from "./socket-transport.ts";

const MAX_RECORD_BYTES = 16 * 1024 * 1024;
const certificate = makeCertificate();
const KINDS: readonly SocketKind[] = certificate === undefined ? ["tcp", "ipc"] : ["tcp", "tls", "ipc"];

for (const kind of KINDS) {
  for (const from of ["client", "server"] as const) {
    transportSuite(
      `${kind}, ${from} first`,
      async () => {
        const { client, server, sockets, cleanup } = await openSocketPair(kind, certificate);
        // A Unix socket knows no reset, and TLS hides it: there a cut is one on both sides.
        const lose = (): void => {
          if (kind === "tcp") sockets.client.resetAndDestroy();
          else for (const socket of Object.values(sockets)) socket.destroy();
        };
        const [a, b] = from === "client" ? [client, server] : [server, client];
        return { a: new Framed(a), b: new Framed(b), lose, cleanup };
      },
      { maxRecordBytes: MAX_RECORD_BYTES },
    );
  }
}

if (certificate === undefined) test.skip("tls: needs the program openssl, which is not installed", () => {});

describe.each(KINDS)("%s", (kind) => {
  let pair: SocketPair | undefined;

  async function open(options?: SocketTransportOptions): Promise<SocketPair> {
    pair = await openSocketPair(kind, certificate, options);
    return pair;
  }

  afterEach(async () => {
    await pair?.cleanup();
    pair = undefined;
  });

  test("says what it is", async () => {
    const { client } = await open({ connectMs: 5 });
    expect([client.name, client.connectMs]).toEqual([kind === "ipc" ? "ipc" : "tcp", 5]);
    expect(client.capabilities).toMatchObject({ messageBoundaries: false, inboundPause: true, lanes: 1 });
  });

  test("constructor refuses a socket that is not open", async () => {
    const { sockets } = await open();
    sockets.client.destroy();
    expect(() => new SocketTransport(sockets.client)).toThrow(StateError);
  });

  test("records of one task leave by one write", async () => {
    const { client, server, sockets } = await open();
    const writev = vi.spyOn(sockets.client as Required<Socket>, "_writev");
    const write = vi.spyOn(sockets.client, "_write");
    const heard = listen(server);
    listen(client);
    for (let i = 0; i < 10; i++) client.write(MAIN_LANE, new Uint8Array([i]));
    expect(client.bufferedBytes(MAIN_LANE)).toBe(10);
    await expect.poll(() => heard.bytes()).toEqual(new Uint8Array([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]));
    expect([writev.mock.calls.length, write.mock.calls.length]).toEqual([1, 0]);
  });

  test("records of one task leave as they come where writev is turned off", async () => {
    const burst = async (options?: SocketTransportOptions) => {
      const { client, server, sockets } = await open(options);
      const write = vi.spyOn(sockets.client, "_write");
      const heard = listen(server);
      listen(client);
      for (let i = 0; i < 5; i++) client.write(MAIN_LANE, new Uint8Array([i]));
      client.writeParts(MAIN_LANE, new Uint8Array([5]), new Uint8Array([6, 7]));
      await expect.poll(() => heard.bytes()).toEqual(new Uint8Array([0, 1, 2, 3, 4, 5, 6, 7]));
      await pair?.cleanup();
      pair = undefined;
      return write.mock.calls.length;
    };
    expect(await burst()).toBe(0);
    expect(await burst({ vectored: false })).toBeGreaterThan(0);
    process.env["TIDEWAY_NATIVE"] = "0";
    try {
      expect(await burst()).toBeGreaterThan(0);
    } finally {
      delete process.env["TIDEWAY_NATIVE"];
    }
  });

  test("flush() sends what waits for the end of the task", async () => {
    const { client, server, sockets } = await open();
    const writev = vi.spyOn(sockets.client as Required<Socket>, "_writev");
    const write = vi.spyOn(sockets.client, "_write");
    const heard = listen(server);
    listen(client);
    client.write(MAIN_LANE, new Uint8Array([1]));
    client.flush();
    expect([writev.mock.calls.length, write.mock.calls.length]).toEqual([0, 1]);
    client.write(MAIN_LANE, new Uint8Array([2]));
    client.writeParts(MAIN_LANE, new Uint8Array([3]), new Uint8Array([4, 5]));
    client.write(MAIN_LANE, new Uint8Array([6]));
    client.flush();
    client.flush();
    expect(writev.mock.calls.length).toBeLessThanOrEqual(1);
    await expect.poll(() => heard.bytes()).toEqual(new Uint8Array([1, 2, 3, 4, 5, 6]));
  });

  test("close() sends what waits for the end of the task", async () => {
    const { client, server } = await open();
    const heard = listen(server);
    const { ended } = listen(client);
    client.write(MAIN_LANE, new Uint8Array([7]));
    client.close(1000, "");
    expect(await ended).toBe(undefined);
    expect(heard.bytes()).toEqual(new Uint8Array([7]));
  });

  test("a record that does not fit is offered to the kernel before write() says so", async () => {
    const { client } = await open({ sendBufferBytes: 1_000 });
    listen(client);
    expect(client.write(MAIN_LANE, new Uint8Array(50_000))).toBe(kind !== "tls");
  });

  test("the end of the peer without a word is a close without an error", async () => {
    const { client, sockets } = await open();
    const { ended } = listen(client);
    sockets.server.end();
    expect(await ended).toBe(undefined);
  });

  test("half-close has no meaning: the peer's end ends this side", async () => {
    const { client, server, sockets } = await open();
    const heard = listen(server);
    const { ended } = listen(client);
    client.write(MAIN_LANE, new Uint8Array([1]));
    sockets.server.end();
    client.write(MAIN_LANE, new Uint8Array([2]));
    expect(await ended).toBe(undefined);
    client.write(MAIN_LANE, new Uint8Array([3]));
    expect(sockets.client.destroyed).toBe(true);
    expect([...heard.bytes()]).not.toContain(3);
  });

  test("close() cuts a socket whose peer does not close", async () => {
    const { client, sockets } = await open({ closeTimeoutMs: 30 });
    sockets.server.allowHalfOpen = true;
    const { ended } = listen(client);
    client.close(1000, "");
    expect((await ended)?.message).toBe(`Cannot continue on ${client.name}: the peer did not close in time`);
  });

  test("close() cuts a socket whose peer takes nothing", async () => {
    const { client, server } = await open({ closeTimeoutMs: 30 });
    const { ended } = listen(client);
    server.pause();
    for (let i = 0; i < 200 && client.write(MAIN_LANE, new Uint8Array(65_536)); i++) await sleep(0);
    client.close(1000, "");
    expect(await ended).toMatchObject({ code: "ERR_CONNECTION_LOST" });
  });

  test("a peer that goes on to send after close() is heard no more, and cut", async () => {
    const { client, sockets } = await open({ closeTimeoutMs: 30 });
    const heard = listen(client);
    sockets.server.allowHalfOpen = true;
    const flood = setInterval(() => sockets.server.write(new Uint8Array(1_000)), 1);
    await expect.poll(() => heard.bytes().length).toBeGreaterThan(0);
    client.close(1000, "");
    const { length } = heard.bytes();
    await heard.ended;
    clearInterval(flood);
    expect(heard.bytes().length).toBe(length);
  });

  test("close() before start() lets go of the socket", async () => {
    const { client, sockets } = await open();
    client.close(1000, "");
    await once(sockets.server.resume(), "end");
    await once(sockets.client, "close");
  });

  test("start() after the socket is gone tells so", async () => {
    const { client, sockets } = await open();
    sockets.client.destroy();
    await once(sockets.client, "close");
    expect(await listen(client).ended).toMatchObject({ code: "ERR_CONNECTION_LOST" });
    expect(client.bufferedBytes(MAIN_LANE)).toBe(0);
  });

  test("pauses until start(), and reads little ahead", async () => {
    const { server, sockets } = await open();
    sockets.client.write(new Uint8Array(8 << 20));
    await sleep(50);
    expect(sockets.server.bytesRead).toBeLessThan(300_000);
    const heard = listen(server);
    await expect.poll(() => heard.bytes().length).toBe(8 << 20);
  });
});

test("the kernel is told of delay and keep-alive, for TCP only", async () => {
  for (const kind of ["tcp", "ipc"] as const) {
    const { sockets, cleanup } = await openSocketPair(kind);
    const noDelay = vi.spyOn(sockets.client, "setNoDelay");
    const keepAlive = vi.spyOn(sockets.client, "setKeepAlive");
    new SocketTransport(sockets.client, { name: kind });
    new SocketTransport(sockets.client, { name: kind, noDelay: false, keepAliveMs: 0 });
    expect(noDelay.mock.calls).toEqual(kind === "tcp" ? [[true], [false]] : []);
    expect(keepAlive.mock.calls).toEqual(
      kind === "tcp"
        ? [
            [true, 60_000, 10_000],
            [false, 0, 10_000],
          ]
        : [],
    );
    await cleanup();
  }
});

function listen(transport: Transport) {
  const chunks: Bytes[] = [];
  const ended = new Promise<WireError | undefined>((resolve) => {
    transport.start({
      data: (_lane, bytes) => {
        chunks.push(bytes.slice());
      },
      drain: () => {},
      lane: () => {},
      datagram: () => {},
      closed: resolve,
    });
  });
  const bytes = () =>
    concatBytes(
      chunks,
      chunks.reduce((sum, chunk) => sum + chunk.length, 0),
    );
  return { bytes, ended };
}
