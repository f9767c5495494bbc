import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { readShared } from "./shared-read.ts";

const open: { destroy(): void }[] = [];
afterEach(() => {
  for (const each of open.splice(0)) each.destroy();
});

/** Two ends of a connection over the loopback: dialed and accepted. */
async function pair(): Promise<readonly [Socket, Socket]> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const accepted = once(server, "connection") as Promise<[Socket]>;
  const dialed = connect((server.address() as AddressInfo).port, "127.0.0.1");
  await once(dialed, "connect");
  const [other] = await accepted;
  server.close();
  open.push(dialed, other);
  return [dialed, other];
}

/** What `socket` reads, until it ends. */
async function readAll(socket: Socket, buffers: Set<ArrayBufferLike>): Promise<Buffer> {
  const pieces: Buffer[] = [];
  const keep = (bytes: Uint8Array) => pieces.push(Buffer.from(bytes));
  socket.pause();
  socket.on("data", keep);
  expect(readShared(socket, (bytes) => [keep(bytes), buffers.add(bytes.buffer)])).toBe(true);
  socket.resume();
  await once(socket, "end");
  return Buffer.concat(pieces);
}

describe("readShared()", () => {
  test("dialed and accepted sockets read into one buffer, and each gets its own bytes", async () => {
    const sockets = (await Promise.all([pair(), pair()])).flat();
    const buffers: Set<ArrayBufferLike> = new Set();
    const arrived = Promise.all(sockets.map((socket) => readAll(socket, buffers)));
    for (const [i, socket] of sockets.entries()) socket.end(Buffer.alloc(3_000_000, i + 1));
    const read = await arrived;
    for (const [i, peer] of [1, 0, 3, 2].entries())
      expect(read[i]!.equals(Buffer.alloc(3_000_000, peer + 1)), `socket ${i}`).toBe(true);
    expect(buffers.size).toBe(1);
  });

  test("what was read before comes as data, and first", async () => {
    const [dialed, accepted] = await pair();
    accepted.pause();
    dialed.write("early");
    accepted.read(0);
    while (accepted.readableLength === 0) await new Promise((resolve) => setImmediate(resolve));
    const arrived = readAll(accepted, new Set());
    dialed.end(" and late");
    expect((await arrived).toString()).toBe("early and late");
  });

  test("pause() stops the reading, and resume() goes on", async () => {
    const [dialed, accepted] = await pair();
    let bytes = 0;
    expect(readShared(accepted, ({ length }) => (bytes += length))).toBe(true);
    accepted.pause();
    dialed.write("one");
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(bytes).toBe(0);
    accepted.resume();
    while (bytes < 3) await new Promise((resolve) => setImmediate(resolve));
  });

  test("says no to a socket that is gone", async () => {
    const [dialed] = await pair();
    dialed.destroy();
    await once(dialed, "close");
    expect(readShared(dialed, () => {})).toBe(false);
  });
});
