import { createServer } from "node:http";
import type { Socket } from "node:net";
import { type Duplex, duplexPair } from "node:stream";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { isHeld } from "../../test/garbage.ts";
import { sleep } from "../../test/sessions.ts";
import { openSocketPair } from "../../test/socket-pair.ts";
import { certificate, SocketSites } from "../../test/socket-site.ts";
import { openWsPair } from "../../test/ws-pair.ts";
import type { Bytes } from "../core/bytes.ts";
import { MAIN_LANE } from "../core/lanes/lane.ts";
import { BufferPool } from "../core/wire/buffer-pool.ts";
import { type MessageStream, raw } from "../index.ts";
import type { Transport } from "../transports/transport.ts";
import { SLAB_ROOM, SlabRoom } from "./slab-room.ts";
import { WsTransport } from "./ws-transport.ts";

const NO_EVENTS = { drain() {}, closed() {}, lane() {}, datagram() {} };

function make(room: SlabRoom, bytes: number): Bytes {
  room.reserve(bytes);
  return room.commit(room.at, room.at + bytes);
}

describe("SlabRoom", () => {
  test("cuts records one behind the other, with room in front of each, and begins anew when all of them are sent", () => {
    const room = new SlabRoom();
    const records = [10, 20, 30].map((bytes) => make(room, bytes));
    expect(records.map(({ byteOffset }) => byteOffset)).toEqual([14, 38, 72]);
    const slab = room.slabOf(records[2]!)!;
    for (let sent = 0; sent < 2; sent++) room.release(slab);
    expect(make(room, 1).byteOffset).toBe(116);
    for (let sent = 0; sent < 2; sent++) room.release(slab);
    expect(make(room, 1).byteOffset).toBe(14);
  });

  test("uses a full slab again once all of its records are sent, and not before", () => {
    const room = new SlabRoom();
    const first = make(room, 100_000);
    const slab = room.slabOf(first)!;
    const second = make(room, 100_000);
    expect(second.buffer).not.toBe(first.buffer);
    expect(room.slabOf(first)).toBeUndefined();
    room.release(slab);
    expect(make(room, 100_000).buffer).toBe(first.buffer);
  });

  test("gives what is longer than a slab memory of its own, and keeps the slab that it had", () => {
    const room = new SlabRoom();
    const record = make(room, 10);
    room.release(room.slabOf(record)!);
    const long = make(room, 1_000_000);
    expect(long.length).toBe(1_000_000);
    room.release(room.slabOf(long)!);
    expect(make(room, 1_000_000).buffer).toBe(long.buffer);
    make(room, 1_000);
    expect(room.slab.buffer).toBe(record.buffer);
  });

  test("does not know bytes that were not made in it", () => {
    expect(new SlabRoom().slabOf(new Uint8Array(5))).toBeUndefined();
  });
});

describe.each(["tcp", "ipc", "ws", ...(certificate === undefined ? [] : ["tls", "wss"])])("%s", (kind) => {
  const sites = new SocketSites();

  // What is said to be sent is written over, as the next record may do it.
  beforeEach(() => {
    const { release } = SlabRoom.prototype;
    vi.spyOn(SLAB_ROOM, "release").mockImplementation((slab) => {
      if (slab.unsent === 1) slab.bytes.fill(0xa5);
      release.call(SLAB_ROOM, slab);
    });
  });
  afterEach(() => vi.restoreAllMocks());

  /** Messages of many lengths, each full of its number; the reader stops from time to time. */
  async function send(stream: MessageStream, most: number): Promise<void> {
    for (let i = 0; i < 600; i++) await stream.send(new Uint8Array((i * 677) % most).fill(i));
    await stream.close();
  }
  async function countWhole(stream: MessageStream, most: number): Promise<number> {
    let count = 0;
    for await (const message of stream) {
      const isWhole =
        message.length === (count * 677) % most && message.every((byte) => byte === (count & 255));
      if (!isWhole) throw new Error(`message ${count} is not what was sent`);
      if (count++ % 200 === 100) await sleep(20);
    }
    return count;
  }

  test("records arrive as they were made, whatever is made behind them", async () => {
    const { url } = await sites.start(kind === "wss" ? "tls" : (kind as "tcp"), {
      listen: [kind === "ipc" ? "ipc:test" : `${kind}://127.0.0.1:0`],
      codecs: [raw],
      onSession: (session) =>
        session.onStream("both", async (stream) => {
          const most = Number(new TextDecoder().decode(await stream.receive()));
          await Promise.all([send(stream, most), countWhole(stream, most)]);
        }),
    });
    const session = await sites.open(url, { codecs: [raw] });
    const counts = [300, 5_000, 20_000, 70_000].map(async (most) => {
      const stream = session.openStream("both");
      await stream.send(new TextEncoder().encode(`${most}`));
      const [, count] = await Promise.all([send(stream, most), countWhole(stream, most)]);
      return count;
    });
    expect(await Promise.all(counts)).toEqual([600, 600, 600, 600]);
    expect(SLAB_ROOM.release).toHaveBeenCalled();
  });
});

describe.each(["tcp", "ipc", "ws"] as const)("a transport over %s", (kind) => {
  const cleanups: (() => unknown)[] = [];
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0)) await cleanup();
  });

  async function open() {
    const pair =
      kind === "ws"
        ? await openWsPair(
            (socket) => new WsTransport(socket),
            (socket) => new WsTransport(socket),
          )
        : await openSocketPair(kind, undefined);
    cleanups.push(pair.cleanup);
    return pair;
  }
  const start = (transport: Transport) =>
    new Promise<void>((closed) =>
      transport.start({ ...NO_EVENTS, data: () => true, closed: () => closed() }),
    );

  test("holds no slab when it is idle", async () => {
    const { server } = await open();
    start(server);
    // Longer than a slab: the room keeps none of this length.
    const slab = new WeakRef(writeOne(server).buffer);
    await expect.poll(() => server.bufferedBytes(MAIN_LANE)).toBe(0);
    make(SLAB_ROOM, 300_000); // the room lies elsewhere now
    await expect.poll(() => isHeld(slab)).toBe(false);
  });

  function writeOne(transport: Transport): Bytes {
    const record = make(SLAB_ROOM, 200_000);
    transport.write(MAIN_LANE, record);
    return record;
  }

  test("that is cut gives nothing back that the kernel may still read", async () => {
    const { server, sockets } = await open();
    const closed = start(server);
    const unsent: Map<ArrayBufferLike, number> = new Map();
    const count = (buffer: ArrayBufferLike, by: number) => unsent.set(buffer, (unsent.get(buffer) ?? 0) + by);
    const release = vi.spyOn(SLAB_ROOM, "release");
    for (let i = 0; i < 300; i++) {
      const record = make(SLAB_ROOM, 60_000);
      count(record.buffer, 1);
      server.write(MAIN_LANE, record);
    }
    if (sockets.server instanceof WebSocket) sockets.server.terminate();
    else sockets.server.destroy();
    await closed;
    for (const [slab] of release.mock.calls) count(slab.bytes.buffer, -1);
    release.mockRestore();
    const held = [...unsent].filter(([, records]) => records > 0).map(([buffer]) => buffer);
    expect(held.length).toBeGreaterThan(0);
    for (let i = 0; i < 100; i++) expect(held).not.toContain(make(SLAB_ROOM, 60_000).buffer);
  });
});

describe("ws over a stream that is no socket", () => {
  /** A stream says that bytes are written while they wait at its other end. */
  async function open() {
    const [near, far] = duplexPair();
    const listener = new WebSocketServer({ noServer: true, perMessageDeflate: false });
    const http = createServer().on("upgrade", (request, socket: Duplex, head) =>
      listener.handleUpgrade(request, socket, head, (accepted) => listener.emit("connection", accepted)),
    );
    const server = new Promise<WsTransport>((resolve) =>
      listener.on("connection", (socket) => resolve(new WsTransport(socket))),
    );
    http.emit("connection", far);
    const socket = new WebSocket("ws://stream.invalid/", {
      createConnection: () => near as Socket,
      perMessageDeflate: false,
    });
    const client = new Promise<WsTransport>((resolve) =>
      socket.on("open", () => resolve(new WsTransport(socket))),
    );
    return { client: await client, server: await server, cut: () => socket.terminate() };
  }

  test.each([
    ["client", 1_000],
    ["client", 10_000],
    ["server", 1_000],
    ["server", 10_000],
  ] as const)("records of the %s of %i bytes arrive as they were made", async (from, bytes) => {
    const { client, server, cut } = await open();
    const [sender, reader] = from === "client" ? [client, server] : [server, client];
    const heard: Bytes[] = [];
    sender.start({ ...NO_EVENTS, data: () => true });
    reader.start({ ...NO_EVENTS, data: (_lane, message) => void heard.push(message) });
    await sleep(1);
    reader.pause();
    const room = sender.room ?? new BufferPool();
    for (let i = 0; i < 200; i++) {
      room.reserve(bytes);
      room.slab.fill(i, room.at, room.at + bytes);
      sender.write(MAIN_LANE, room.commit(room.at, room.at + bytes));
      if (i % 10 === 0) await sleep(1);
    }
    reader.resume();
    await expect.poll(() => heard.length).toBe(200);
    for (const [i, message] of heard.entries()) {
      expect(message.constructor).toBe(Uint8Array);
      expect(message.length).toBe(bytes);
      expect(
        message.every((byte) => byte === i),
        `record ${i}`,
      ).toBe(true);
    }
    cut();
  });
});
