import { once } from "node:events";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { transportSuite } from "../../test/conformance/transport.ts";
import { openWsPair } from "../../test/ws-pair.ts";
import { StateError, type WireError } from "../core/errors.ts";
import { MAIN_LANE } from "../core/lanes/lane.ts";
import { WsTransport } from "../node/ws-transport.ts";
import { clipReason, WebSocketTransport } from "./websocket.ts";

/** `ws` has the members of the web API that the transport uses. */
function asWeb(socket: unknown): WebSocket {
  return socket as WebSocket;
}

for (const from of ["client", "server"] as const) {
  transportSuite(
    `websocket, ${from} first`,
    async () => {
      const pair = await openWsPair(
        (socket) => new WebSocketTransport(asWeb(socket)),
        (socket) => new WsTransport(socket),
      );
      const { client, server, sockets, cleanup } = pair;
      const lose = (): void => sockets.server.terminate();
      return from === "client"
        ? { a: client, b: server, lose, cleanup }
        : { a: server, b: client, lose, cleanup };
    },
    { maxRecordBytes: 16 * 1024 * 1024 },
  );
}

test("close() sends a code that the web API does not take as 3000 + code", async () => {
  const pair = await openWsPair(
    (socket) => new WebSocketTransport(asWeb(socket)),
    (socket) => socket,
  );
  pair.client.close(1002, "é".repeat(100));
  const [code, reason] = await once(pair.server, "close");
  expect([code, String(reason)]).toEqual([4002, "é".repeat(61)]);
  await pair.cleanup();
});

test("clipReason() cuts between characters", () => {
  expect(clipReason("a".repeat(123))).toHaveLength(123);
  expect(clipReason("a".repeat(124))).toHaveLength(123);
  expect(clipReason(`${"a".repeat(120)}🌊`)).toBe("a".repeat(120));
  expect(clipReason(`${"a".repeat(119)}🌊b`)).toBe(`${"a".repeat(119)}🌊`);
});

describe("WebSocketTransport over a scripted socket", () => {
  const HIGH = 1000;
  let socket: FakeSocket;
  let log: string[];
  let transport: WebSocketTransport;

  beforeEach(() => {
    vi.useFakeTimers();
    socket = new FakeSocket();
    log = [];
    transport = new WebSocketTransport(asWeb(socket), { highWaterBytes: HIGH });
    transport.start({
      data: (_lane, bytes) => log.push(`data ${bytes.length}`),
      drain: () => log.push("drain"),
      lane: () => log.push("lane"),
      datagram: () => log.push("datagram"),
      closed: (error?: WireError) => log.push(`closed ${error?.message ?? "in order"}`),
    });
  });

  afterEach(() => {
    expect(vi.getTimerCount()).toBe(0);
    vi.useRealTimers();
  });

  test("constructor refuses a socket that is not open", () => {
    socket.readyState = 0;
    expect(() => new WebSocketTransport(asWeb(socket))).toThrow(StateError);
  });

  test("no timer runs below the high-water mark", () => {
    expect(transport.write(MAIN_LANE, new Uint8Array(HIGH))).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("drain() comes from a timer, at a quarter of the mark", () => {
    expect(transport.write(MAIN_LANE, new Uint8Array(HIGH + 1))).toBe(false);
    expect(transport.write(MAIN_LANE, new Uint8Array(1))).toBe(false);
    expect(vi.getTimerCount()).toBe(1);
    socket.bufferedAmount = HIGH / 4 + 1;
    vi.advanceTimersByTime(100);
    expect(log).toEqual([]);
    socket.bufferedAmount = HIGH / 4;
    vi.advanceTimersByTime(32);
    expect(log).toEqual(["drain"]);
  });

  test("drain() comes with a message while timers are throttled", async () => {
    await Promise.resolve();
    transport.write(MAIN_LANE, new Uint8Array(HIGH + 1));
    socket.bufferedAmount = 0;
    socket.message(new ArrayBuffer(3));
    expect(log).toEqual(["data 3", "drain"]);
  });

  test("bufferedBytes() is undefined where the runtime does not tell, and nothing waits", () => {
    socket.bufferedAmount = undefined;
    expect(transport.write(MAIN_LANE, new Uint8Array(HIGH + 1))).toBe(true);
    expect(transport.bufferedBytes(MAIN_LANE)).toBe(undefined);
  });

  test("close() and a loss stop the timer", async () => {
    await Promise.resolve();
    transport.write(MAIN_LANE, new Uint8Array(HIGH + 1));
    transport.close(1000, "");
    expect(vi.getTimerCount()).toBe(0);
    socket.end(1006, false);
    expect(log).toEqual(["closed Cannot continue on WebSocket: closed with code 1006"]);
  });

  test("a text message closes with the code of ERR_PROTOCOL", async () => {
    await Promise.resolve();
    socket.message("text");
    expect(socket.closes).toEqual([4001]);
    socket.message(new ArrayBuffer(1));
    socket.end(4001, true);
    expect(log).toEqual(["closed Cannot read text message: expected binary"]);
  });

  test("an error that no close follows ends the transport", async () => {
    await Promise.resolve();
    socket.dispatchEvent(new Event("error"));
    expect(log).toEqual([]);
    vi.advanceTimersByTime(1000);
    socket.end(1006, false);
    expect(log).toEqual(["closed Cannot continue on WebSocket: closed with code 1006"]);
  });
});

/** What the transport uses of `WebSocket`, under the test's control. */
class FakeSocket extends EventTarget {
  readyState = 1;
  bufferedAmount: number | undefined = 0;
  readonly closes: (number | undefined)[] = [];

  send(record: Uint8Array): void {
    if (this.bufferedAmount !== undefined) this.bufferedAmount += record.length;
  }

  close(code?: number): void {
    if (this.readyState === 1) this.closes.push(code);
    this.readyState = Math.max(this.readyState, 2);
  }

  message(data: unknown): void {
    this.dispatchEvent(new MessageEvent("message", { data }));
  }

  end(code: number, wasClean: boolean): void {
    this.readyState = 3;
    this.dispatchEvent(Object.assign(new Event("close"), { code, reason: "", wasClean }));
  }
}
