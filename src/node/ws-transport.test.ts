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
import { sendInPlace } from "./ws-masking.ts";
import { sendParts } from "./ws-parts.ts";
import { type WsSocket, WsTransport, type WsTransportOptions } from "./ws-transport.ts";

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

  test("writeParts() joins in buffers that are used again, and each record keeps its own bytes", async () => {
    const { transport, peer } = await open();
    const heard: Buffer[] = [];
    peer.on("message", (data) => heard.push(Buffer.from(data as Buffer)));
    const sample = (i: number) => Buffer.alloc(20_000 + i * 300, i + 1);
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 40; i++)
        transport.writeParts(MAIN_LANE, new Uint8Array([round, i]), new Uint8Array(sample(i)));
      await expect.poll(() => heard.length).toBe((round + 1) * 40);
    }
    for (const [at, record] of heard.entries()) {
      expect([...record.subarray(0, 2)]).toEqual([Math.floor(at / 40), at % 40]);
      expect(record.subarray(2).equals(sample(at % 40)), `record ${at}`).toBe(true);
    }
  });

  test("writeParts() of a server is one message, whatever the length", async () => {
    const both = await openWsPair(
      () => undefined,
      (socket) => new WsTransport(socket),
    );
    const heard: Buffer[] = [];
    both.sockets.client.on("message", (data) => heard.push(data as Buffer));
    const lengths = [1, 124, 125, 126, 65_534, 65_535, 65_536, 200_000];
    for (const length of lengths)
      both.server.writeParts(MAIN_LANE, new Uint8Array([7]), new Uint8Array(length).fill(length));
    both.server.write(MAIN_LANE, new Uint8Array([8]));
    await expect.poll(() => heard.length).toBe(lengths.length + 1);
    for (const [i, length] of lengths.entries()) {
      const expected = Buffer.concat([new Uint8Array([7]), new Uint8Array(length).fill(length)]);
      expect(heard[i]?.equals(expected), `1 + ${length} bytes`).toBe(true);
    }
    expect(heard.at(-1)).toEqual(Buffer.from([8]));
    await both.cleanup();
  });

  test("sendParts() is for servers without extensions, where `ws` is as expected", async () => {
    const { socket, peer } = await open();
    const takes = (by: WsSocket) => sendParts(by, new Uint8Array(1), new Uint8Array(1), () => {});
    expect(takes(peer)).toBe(true);
    expect(takes(socket)).toBe(false);
    const other = (fields: object): WsSocket => Object.assign(Object.create(peer), fields);
    expect(takes(other({}))).toBe(true);
    for (const fields of [{ _sender: undefined }, { _sender: {} }]) expect(takes(other(fields))).toBe(false);
    const compressing = Object.create(peer, { extensions: { value: "permessage-deflate" } }) as WsSocket;
    expect(takes(compressing)).toBe(false);
  });

  test("a client masks in buffers that are used again, and nothing that was written", async () => {
    const { transport, peer } = await open();
    const heard: Buffer[] = [];
    peer.on("message", (data) => heard.push(Buffer.from(data as Buffer)));
    const records = [100, 4_095, 4_096, 66_000, 70_000].map((length, i) => new Uint8Array(length).fill(i));
    for (const record of records) transport.write(MAIN_LANE, record);
    await expect.poll(() => heard.length).toBe(records.length);
    for (const [i, record] of records.entries()) {
      expect(heard[i]?.equals(Buffer.alloc(record.length, i)), `record ${i}`).toBe(true);
      expect(
        record.every((byte) => byte === i),
        `record ${i} as it was written`,
      ).toBe(true);
    }
  });

  test("sendInPlace() is for clients without extensions, where `ws` is as expected", async () => {
    const { socket, peer } = await open();
    expect(sendInPlace(socket)).toBeDefined();
    expect(sendInPlace(peer)).toBeUndefined();
    const other = (fields: object): WsSocket => Object.assign(Object.create(socket), fields);
    expect(sendInPlace(other({}))).toBeDefined();
    for (const fields of [{ _sender: undefined }, { _sender: {} }, { _sender: { sendFrame() {} } }]) {
      expect(sendInPlace(other(fields))).toBeUndefined();
    }
    const compressing = Object.create(socket, { extensions: { value: "permessage-deflate" } }) as WsSocket;
    expect(sendInPlace(compressing)).toBeUndefined();
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
