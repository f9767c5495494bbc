import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { sleep } from "../../test/sessions.ts";
import { certificate, SocketSites } from "../../test/socket-site.ts";
import { type MessageStream, raw } from "../index.ts";
import { SLAB_ROOM, SlabRoom } from "./slab-room.ts";

describe("SlabRoom", () => {
  const make = (room: SlabRoom, bytes: number) => {
    room.reserve(bytes);
    return room.commit(room.at, room.at + bytes);
  };

  test("cuts records one behind the other, and begins anew when all of them are sent", () => {
    const room = new SlabRoom();
    const records = [10, 20, 30].map((bytes) => make(room, bytes));
    expect(records.map(({ byteOffset }) => byteOffset)).toEqual([0, 10, 30]);
    const slab = room.slabOf(records[2]!)!;
    for (let sent = 0; sent < 2; sent++) room.release(slab);
    expect(make(room, 1).byteOffset).toBe(60);
    for (let sent = 0; sent < 2; sent++) room.release(slab);
    expect(make(room, 1).byteOffset).toBe(0);
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
