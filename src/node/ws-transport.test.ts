import { EventEmitter, once } from "node:events";
import type { Socket } from "node:net";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { WebSocket } from "ws";
import { transportSuite } from "../../test/conformance/transport.ts";
import { openWsPair, type WsPair } from "../../test/ws-pair.ts";
import type { Bytes } from "../core/bytes.ts";
import { StateError, type WireError } from "../core/errors.ts";
import { MAIN_LANE } from "../core/lanes/lane.ts";
import type { Transport } from "../transports/transport.ts";
import type { SlabRoom } from "./slab-room.ts";
import { type WsSocket, WsTransport, type WsTransportOptions } from "./ws-transport.ts";
import { frameWriter } from "./ws-writer.ts";

const MAX_RECORD_BYTES = 16 * 1024 * 1024;

for (const from of ["client", "server"] as const) {
  transportSuite(
    `ws, ${from} first`,
    async () => {
      const pair = await openWsPair(
        (socket) => new WsTransport(socket),
        (socket) => new WsTransport(socket),
      );
      const { client, server, sockets, cleanup } = pair;
      const lose = (): void => sockets.client.terminate();
      return from === "client"
        ? { a: client, b: server, lose, cleanup }
        : { a: server, b: client, lose, cleanup };
    },
    { maxRecordBytes: MAX_RECORD_BYTES },
  );
}

describe("ws", () => {
  let pair: WsPair<WsTransport, undefined> | undefined;

  /** The client end is a transport, the server end a bare socket. */
  async function open(options?: WsTransportOptions) {
    pair = await openWsPair(
      (socket) => new WsTransport(socket, options),
      () => undefined,
    );
    return { transport: pair.client, peer: pair.sockets.server, socket: pair.sockets.client };
  }

  afterEach(async () => {
    await pair?.cleanup();
    pair = undefined;
  });

  test("constructor refuses a socket that is not open", async () => {
    const { socket } = await open();
    socket.close();
    expect(() => new WsTransport(socket)).toThrow(StateError);
  });

  test("pause() before the first message holds all of them back", async () => {
    const { transport, peer } = await open();
    const heard: number[] = [];
    transport.start({
      data: (_lane, bytes) => void heard.push(bytes[0] as number),
      drain() {},
      closed() {},
      lane() {},
      datagram() {},
    });
    transport.pause?.();
    for (let i = 0; i < 3; i++) {
      peer.send(new Uint8Array([i]));
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect(heard).toEqual([]);
    transport.resume?.();
    await expect.poll(() => heard).toEqual([0, 1, 2]);
  });

  /** A record full of one byte, made where the transport says. */
  function recordOf({ room }: WsTransport, length: number, value: number): Bytes {
    const pool = room as SlabRoom;
    pool.reserve(length);
    pool.slab.fill(value, pool.at, pool.at + length);
    return pool.commit(pool.at, pool.at + length);
  }

  const LENGTHS = [1, 2, 124, 125, 126, 127, 300, 4_095, 4_096, 65_535, 65_536, 66_560, 200_000];

  test.each(["client", "server"] as const)("records of a %s of any length are one message", async (from) => {
    const both = await openWsPair(
      (socket) => new WsTransport(socket),
      (socket) => new WsTransport(socket),
    );
    const { [from]: transport } = both;
    const peer = both.sockets[from === "client" ? "server" : "client"];
    const heard: Buffer[] = [];
    peer.on("message", (data) => heard.push(Buffer.from(data as Buffer)));
    peer.resume();
    const expected: Buffer[] = [];
    for (let round = 0; round < 3; round++) {
      for (const length of LENGTHS) {
        const value = expected.length & 255;
        transport.write(MAIN_LANE, recordOf(transport, length, value));
        transport.writeParts(MAIN_LANE, recordOf(transport, 5, 9), new Uint8Array(length).fill(value));
        const foreign = new Uint8Array(length).fill(value);
        transport.write(MAIN_LANE, foreign);
        transport.writeParts(MAIN_LANE, Uint8Array.of(8), foreign);
        const whole = Buffer.alloc(length, value);
        expected.push(whole, Buffer.concat([Buffer.alloc(5, 9), whole]), whole);
        expected.push(Buffer.concat([Buffer.of(8), whole]));
        expect(foreign.every((byte) => byte === value)).toBe(true);
      }
      await expect.poll(() => heard.length).toBe(expected.length);
    }
    for (const [i, message] of heard.entries())
      expect(message.equals(expected[i] as Buffer), `message ${i}`).toBe(true);
    await both.cleanup();
  });

  test("a client masks each frame with another key", async () => {
    const { transport, socket } = await open();
    const written: Buffer[] = [];
    const carrier = Reflect.get(socket, "_socket") as Socket;
    vi.spyOn(carrier, "write").mockImplementation((bytes) => {
      written.push(Buffer.from(bytes as Buffer));
      return true;
    });
    for (let i = 0; i < 3_000; i++) transport.write(MAIN_LANE, recordOf(transport, 8, 0));
    const keys = written.map((frame) => frame.readUInt32BE(2));
    expect(new Set(keys).size).toBeGreaterThan(2_990);
    for (const [i, frame] of written.entries()) {
      expect([frame.length, frame[0], frame[1]]).toEqual([14, 0x82, 0x88]);
      expect(frame.readUInt32BE(6)).toBe(keys[i]); // zeros, masked
    }
  });

  test("frameWriter() is for sockets without extensions over a socket, where `ws` is as expected", async () => {
    const { socket, peer } = await open();
    const other = (of: object, fields: object): WsSocket => Object.assign(Object.create(of), fields);
    const compressing = { extensions: { value: "permessage-deflate" } };
    for (const good of [socket, peer]) {
      expect(frameWriter(good)).toBeDefined();
      expect(frameWriter(other(good, {}))).toBeDefined();
      for (const fields of [
        { _sender: undefined },
        { _sender: {} },
        { _socket: {} },
        { _isServer: undefined },
      ])
        expect(frameWriter(other(good, fields))).toBeUndefined();
      expect(frameWriter(Object.create(good, compressing) as WsSocket)).toBeUndefined();
    }
    const { sendFrame } = Reflect.get(socket, "_sender");
    for (const sender of [{ sendFrame }, { sendFrame, _generateMask: () => {}, constructor: { frame() {} } }])
      expect(frameWriter(other(socket, { _sender: sender }))).toBeUndefined();
  });

  test("data() gets a fragmented message as one record", async () => {
    const { transport, peer } = await open();
    const { records } = listen(transport);
    peer.send(new Uint8Array([1, 2]), { fin: false });
    peer.send(new Uint8Array([3]), { fin: false });
    peer.send(new Uint8Array([4, 5]), { fin: true });
    peer.send(new Uint8Array(0));
    await expect.poll(() => records).toEqual([new Uint8Array([1, 2, 3, 4, 5]), new Uint8Array(0)]);
  });

  test("a text message closes with the code of ERR_PROTOCOL and is an error", async () => {
    const { transport, peer } = await open();
    const { records, ended } = listen(transport);
    peer.send("text");
    peer.send(new Uint8Array(1));
    const [code, reason] = await once(peer, "close");
    expect([code, String(reason)]).toEqual([4001, "Cannot read text message: expected binary"]);
    expect((await ended)?.code).toBe("ERR_PROTOCOL");
    expect(records).toEqual([]);
  });

  test.each([
    [1000, undefined],
    [1001, "Cannot continue on WebSocket: closed with code 1001, bye"],
    [4321, "Cannot continue on WebSocket: closed with code 4321, bye"],
  ])("closed() after the peer's code %i", async (code, message) => {
    const { transport, peer } = await open();
    const { ended } = listen(transport);
    peer.close(code, "bye");
    expect((await ended)?.message).toBe(message);
  });

  test("a bad frame from the peer is an error with its cause", async () => {
    const { transport, peer } = await open();
    const { ended } = listen(transport);
    // A reserved opcode, written under the peer's WebSocket.
    const raw = Reflect.get(peer, "_socket") as Socket;
    raw.write(new Uint8Array([0x83, 0]));
    const error = await ended;
    expect(error?.code).toBe("ERR_CONNECTION_LOST");
    expect(error?.cause).toMatchObject({ code: "WS_ERR_INVALID_OPCODE" });
  });

  test("close() cuts a socket whose peer does not answer", async () => {
    const { transport, peer } = await open({ closeTimeoutMs: 20 });
    peer.pause();
    const { ended } = listen(transport);
    transport.close(1000, "");
    expect((await ended)?.message).toContain("1006");
  });

  test("close() waits longer than its timeout while the send buffer shrinks", async () => {
    vi.useFakeTimers();
    const socket = new FakeSocket();
    const transport = new WsTransport(socket as unknown as WebSocket, { closeTimeoutMs: 100 });
    socket.bufferedAmount = 2;
    transport.close(1000, "");
    for (const left of [1, 0]) {
      socket.bufferedAmount = left;
      vi.advanceTimersByTime(100);
    }
    expect(socket.terminated).toBe(false);
    vi.advanceTimersByTime(100);
    expect(socket.terminated).toBe(true);
    vi.useRealTimers();
  });

  test("records of one chunk are delivered together, those before start() too", async () => {
    const bare = await openWsPair(
      (socket) => socket,
      (socket) => socket,
    );
    const raw = Reflect.get(bare.server, "_socket") as Socket;
    raw.cork();
    for (let i = 0; i < 10; i++) bare.server.send(new Uint8Array([i]));
    raw.uncork();
    const early = await new Promise<WsTransport>((resolve) => {
      bare.client.once("message", () => resolve(new WsTransport(bare.client))); // the other nine are on their way
    });
    const { records } = listen(early);
    await expect.poll(() => records.map((record) => record[0])).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    await bare.cleanup();
  });
});

/** What the closing of the transport uses of a `ws` socket. */
class FakeSocket extends EventEmitter {
  readonly OPEN = 1;
  readyState = 1;
  bufferedAmount = 0;
  terminated = false;

  pause(): void {}
  resume(): void {}
  close(): void {
    this.readyState = 2;
  }
  terminate(): void {
    this.terminated = true;
  }
}

function listen(transport: Transport) {
  const records: Bytes[] = [];
  const ended = new Promise<WireError | undefined>((resolve) => {
    transport.start({
      data: (_lane, bytes) => {
        records.push(bytes);
      },
      drain: () => {},
      lane: () => {},
      datagram: () => {},
      closed: resolve,
    });
  });
  return { records, ended };
}
