import { createHash } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { Random } from "../testing/random.ts";
import { readFrames } from "./ws-frames.ts";
import type { WsSocket } from "./ws-transport.ts";

const MAX_PAYLOAD = 70_000;
const LENGTHS = [1, 2, 125, 126, 127, 1_000, 16_383, 16_384, 40_000, 65_535, 65_536, MAX_PAYLOAD];
const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** What a socket of `ws` told of the bytes that it read. */
type Heard = string[];

/** One frame, with a mask where `key` is given. */
function frame(first: number, payload: Uint8Array, key?: Uint8Array, claimed = payload.length): Uint8Array {
  const mask = key === undefined ? 0 : 0x80;
  const header =
    claimed < 126
      ? [first, mask | claimed]
      : claimed < 65_536
        ? [first, mask | 126, claimed >> 8, claimed & 255]
        : [
            first,
            mask | 127,
            0,
            0,
            0,
            0,
            (claimed >>> 24) & 255,
            (claimed >> 16) & 255,
            (claimed >> 8) & 255,
            claimed & 255,
          ];
  const body = key === undefined ? payload : payload.map((byte, i) => byte ^ (key[i & 3] as number));
  return Buffer.concat([Uint8Array.from(header), key ?? new Uint8Array(0), body]);
}

/** Frames as peers send them, and at the end one that closes or that is wrong. */
function conversation(random: Random, isMasked: boolean): Uint8Array {
  const bytes = (length: number) => random.bytes(length);
  const next = (first: number, payload: Uint8Array, claimed?: number) =>
    frame(first, payload, isMasked ? bytes(4) : undefined, claimed);
  const length = () => random.pick(LENGTHS);
  const one = [
    () => next(0x82, bytes(length())),
    () => next(0x82, bytes(length())),
    () => next(0x82, bytes(length())),
    () => next(0x82, bytes(0)),
    () => next(0x81, Buffer.from("text")),
    () => next(0x89, bytes(random.int(0, 125))),
    () => next(0x8a, bytes(3)),
    () =>
      Buffer.concat([
        next(0x02, bytes(10)),
        next(0x89, bytes(2)),
        next(0x00, bytes(500)),
        next(0x80, bytes(7)),
      ]),
  ];
  const last = [
    () => next(0x88, Uint8Array.of(3, 232)), // 1000
    () => next(0x88, bytes(0)),
    () => next(0x88, Uint8Array.of(0, 1)), // no code that may be sent
    () => frame(0x82, bytes(20), isMasked ? undefined : bytes(4)),
    () => next(0xc2, bytes(20)),
    () => next(0x83, bytes(20)),
    () => next(0x80, bytes(20)), // nothing goes on
    () => Buffer.concat([next(0x02, bytes(5)), next(0x82, bytes(5))]), // a message inside another one
    () => next(0x82, bytes(100), MAX_PAYLOAD + 1),
    () => next(0x82, bytes(100), 2 ** 31),
    () => next(0x09, bytes(3)),
    () => next(0x82, bytes(200)).subarray(0, 150), // and no more
  ];
  const frames = Array.from({ length: random.int(0, 11) }, () => random.pick(one)());
  // What follows the end must not be heard.
  return Buffer.concat([...frames, random.pick(last)(), next(0x82, bytes(9))]);
}

/** Write `bytes` in pieces, some of them alone in their packet. */
async function trickle(socket: Socket, bytes: Uint8Array, random: Random): Promise<void> {
  socket.on("error", () => {});
  for (let at = 0; at < bytes.length; ) {
    const end = at + random.int(1, random.chance(0.5) ? 20 : 50_000);
    socket.write(bytes.subarray(at, end));
    at = end;
    if (random.chance(0.34)) await turn();
  }
  socket.end();
}

/** All that a socket tells, up to its end. */
async function listen(socket: WebSocket, isFast: boolean): Promise<Heard> {
  const heard: Heard = [];
  const note = (what: string, data: Uint8Array) =>
    heard.push(`${what} ${data.length} ${createHash("sha1").update(data).digest("hex")}`);
  socket.on("message", (data, isBinary) => note(isBinary ? "binary" : "text", data as Buffer));
  socket.on("ping", (data) => note("ping", data));
  socket.on("pong", (data) => note("pong", data));
  socket.on("error", (error) => heard.push(`error ${(error as { code?: string }).code}`));
  if (isFast) {
    let count = 0;
    const took = readFrames(socket as unknown as WsSocket, (message) => {
      note("binary", message);
      if (++count % 3 > 0) return true;
      message.fill(0xee); // nobody holds it: it may be written over
      return false;
    });
    expect(took).toBe(true);
  }
  await new Promise((resolve) => socket.on("close", resolve)); // once() would end with an error
  const { _closeCode, _closeMessage } = socket as unknown as { _closeCode: number; _closeMessage: Buffer };
  heard.push(`close ${_closeCode} ${_closeMessage}`);
  return heard;
}

/** What a server hears of a client that sends these bytes. */
async function asServer(bytes: Uint8Array, random: Random, isFast: boolean): Promise<Heard> {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0, maxPayload: MAX_PAYLOAD });
  await once(server, "listening");
  const heard = once(server, "connection").then(([socket]) => listen(socket as WebSocket, isFast));
  const socket = connect((server.address() as AddressInfo).port, "127.0.0.1").setNoDelay();
  socket.write(
    `GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${"x".repeat(22)}==\r\n\r\n`,
  );
  await once(socket, "data"); // what follows it is of no interest
  socket.resume();
  await trickle(socket, bytes, random);
  const result = await heard;
  socket.destroy();
  server.close();
  return result;
}

/** What a client hears of a server that sends these bytes. */
async function asClient(bytes: Uint8Array, random: Random, isFast: boolean): Promise<Heard> {
  const server = createServer((socket) => {
    socket.setNoDelay().once("data", (head) => {
      const key = /Sec-WebSocket-Key: (.*)\r\n/i.exec(head.toString())?.[1];
      const accept = createHash("sha1").update(`${key}${GUID}`).digest("base64");
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
      );
      socket.resume();
      void turn().then(() => trickle(socket, bytes, random));
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const socket = new WebSocket(`ws://127.0.0.1:${port}`, {
    maxPayload: MAX_PAYLOAD,
    perMessageDeflate: false,
  });
  const heard = await new Promise<Heard>((resolve) =>
    socket.on("open", () => resolve(listen(socket, isFast))),
  );
  server.close();
  return heard;
}

describe.each([
  ["a server", asServer, true],
  ["a client", asClient, false],
] as const)("readFrames(): %s", (_, run, isMasked) => {
  test("hears what ws hears, in the same order, of peers in order and of others", async () => {
    const ends = new Set<string>();
    for (let seed = 1; seed <= 120; seed++) {
      const bytes = conversation(new Random(seed), isMasked);
      const [ours, theirs] = await Promise.all([
        run(bytes, new Random(seed), true),
        run(bytes, new Random(seed + 1_000), false),
      ]);
      expect(ours, `seed ${seed}`).toEqual(theirs);
      for (const line of theirs) if (/^(error|close)/.test(line)) ends.add(line);
    }
    expect(ends.size).toBeGreaterThanOrEqual(9);
  });
});

test("readFrames() leaves a socket alone that is not as expected", () => {
  const socket = (more: object) => ({ extensions: "", ...more }) as unknown as WsSocket;
  expect(readFrames(socket({}), () => true)).toBe(false);
  expect(readFrames(socket({ _isServer: true, _socket: {}, _receiver: {} }), () => true)).toBe(false);
});
