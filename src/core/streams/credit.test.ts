import { describe, expect, test } from "vitest";
import { fromHex } from "../../../test/byte-lane.ts";
import { closedCodes, openStream, Pair, readAll } from "../../../test/pair.ts";
import { EMPTY } from "../bytes.ts";
import { StreamError } from "../errors.ts";
import { DEFAULT_LIMITS } from "../limits.ts";
import { MESSAGE_CHARGE } from "./flow.ts";

const MIB = 1_048_576;

const cancelled = () => new StreamError("ERR_CANCELLED", "no");

function expectQuiet(pair: Pair): void {
  expect(closedCodes(pair)).toEqual([]);
  for (const side of [pair.client, pair.server]) {
    expect(side.mux.table.size).toBe(0);
    expect(side.mux.outbox.queuedBytes).toBe(0);
    expect(side.mux.window.received).toBe(side.mux.window.consumed);
    expect(side.mux.stalls.deadline).toBe(Number.POSITIVE_INFINITY);
  }
  expect(pair.client.mux.window.received).toBe(pair.server.mux.outbox.sent);
  expect(pair.server.mux.window.received).toBe(pair.client.mux.outbox.sent);
}

describe("credit", () => {
  test("OPEN waits while the session has no credit left, and goes out when it has", () => {
    const pair = new Pair({ limits: { maxSessionWindowBytes: MIB } }).open();
    const greedy = Array.from({ length: 8 }, () => openStream(pair.client, "greedy"));
    for (const stream of greedy) while (stream.trySend(new Uint8Array(10_000)));
    pair.settle();
    expect(pair.client.mux.outbox.limit - pair.client.mux.outbox.sent).toBeLessThan(1_024);
    const late = openStream(pair.client, "late");
    late.trySend(new Uint8Array(500));
    late.finish();
    pair.settle();
    for (const stream of pair.streams("server")) readAll(stream);
    pair.settle();
    const accepted = pair.streams("server").find(({ name }) => name === "late")!;
    expect(readAll(accepted)).toHaveLength(1);
    expect(accepted.receive.ended).toBe(true);
  });

  test("messages of every length around the window arrive, with and without FIN and trailer", () => {
    for (let less = 0; less <= 70; less++) {
      for (const trailer of [EMPTY, new Uint8Array([0])]) {
        const pair = new Pair({ limits: { streamWindowBytes: 4_096, maxStreamWindowBytes: 4_096 } }).open();
        const stream = openStream(pair.client, "a");
        const bytes = 4_096 - less;
        expect(stream.trySend(new Uint8Array(bytes))).toBe(true);
        if (less % 2 === 0) stream.finish(trailer);
        pair.settle();
        if (less % 2 === 1) stream.finish(trailer);
        pair.settle();
        const accepted = pair.streams("server")[0]!;
        expect(readAll(accepted).map(({ length }) => length)).toEqual([bytes]);
        pair.settle();
        readAll(accepted);
        expect(accepted.receive.ended).toBe(true);
        expect(accepted.receive.trailer !== undefined).toBe(trailer.length > 0);
        accepted.finish();
        accepted.release();
        pair.advance(30);
        readAll(stream);
        pair.advance(30);
        expectQuiet(pair);
      }
    }
  });

  test("where data goes back, the peer hears what was consumed, and keeps no more of it", () => {
    const pair = new Pair().open();
    const stream = openStream(pair.client, "talk");
    stream.trySend(new Uint8Array(64));
    pair.settle();
    const accepted = pair.streams("server")[0]!;
    for (let round = 0; round < 50; round++) {
      for (const [reader, writer] of [
        [accepted, stream],
        [stream, accepted],
      ] as const) {
        expect(readAll(reader)).toHaveLength(1);
        pair.settle();
        expect(writer.send.retained).toBe(64 + MESSAGE_CHARGE); // nothing went back yet
        const records = pair.wire.length;
        const { limit } = writer.send;
        reader.trySend(new Uint8Array(64));
        pair.settle();
        expect(pair.wire).toHaveLength(records + 1);
        expect([writer.send.retained, writer.send.limit]).toEqual([0, limit]);
      }
    }
  });

  test("writable comes when there is room again, whatever made it", () => {
    const pair = new Pair({ limits: { maxQueuedBytes: 100_000 }, serverLimits: { maxStreams: 16 } }).open();
    for (let i = 0; i < 16; i++) openStream(pair.client);
    pair.settle();
    const waiting = openStream(pair.client, "waiting");
    waiting.trySend(new Uint8Array(200_000));
    const second = openStream(pair.client, "second");
    pair.settle();
    expect(second.trySend(EMPTY)).toBe(false);
    waiting.reset(cancelled());
    pair.settle();
    expect(pair.clientEvents.filter((event) => event.kind === "writable")).toMatchObject([
      { stream: second },
    ]);
  });

  test("writable comes when the peer has read", () => {
    const pair = new Pair().open();
    const stream = openStream(pair.client);
    for (let i = 0; i < 5; i++) {
      while (stream.trySend(new Uint8Array(50_000)));
      pair.settle();
    }
    const told = pair.clientEvents.length;
    readAll(pair.streams("server")[0]!);
    pair.settle();
    expect(pair.clientEvents.slice(told)).toMatchObject([{ kind: "writable", stream }]);
  });

  test("reading after a reset gives no credit that was never used", () => {
    const pair = new Pair().open();
    const stream = openStream(pair.client, "a");
    stream.trySend(new Uint8Array(10));
    pair.settle();
    stream.reset(cancelled());
    pair.settle();
    const accepted = pair.streams("server")[0]!;
    expect(readAll(accepted)).toHaveLength(0);
    expect(accepted.receive.ended).toBe(false);
    expect(pair.server.mux.window.consumed).toBe(42);
  });

  test("a reset that claims bytes which never came uses their credit, once", () => {
    const pair = new Pair().open();
    openStream(pair.client, "a").trySend(new Uint8Array(10));
    pair.settle();
    pair.give("server", fromHex("00500400" + "4064"));
    const { window } = pair.server.mux;
    expect([window.received, window.consumed]).toEqual([100, 100]);
    expect(pair.streams("server")[0]!.receive.error?.code).toBe("ERR_NONE");
    expect(closedCodes(pair)).toEqual([]);
  });

  test("a stream whose peer does not read is reset after its time, and its neighbours are not", () => {
    const pair = new Pair().open();
    const stalled = openStream(pair.client, "stalled");
    const alive = openStream(pair.client, "alive");
    for (let i = 0; i < 20; i++) {
      while (stalled.sendError === undefined && stalled.trySend(new Uint8Array(30_000)));
      alive.trySend(new Uint8Array(10));
      pair.advance(10_000);
      readAll(pair.streams("server")[1]!);
      readAll(alive);
    }
    expect(stalled.failure?.code).toBe("ERR_SLOW_CONSUMER");
    expect(alive.failure).toBeUndefined();
    expect(pair.streams("server")[0]!.receive.error?.code).toBe("ERR_SLOW_CONSUMER");
    expect(closedCodes(pair)).toEqual([]);
    expect(pair.client.mux.outbox.queuedBytes).toBe(0);
  });

  test("a stream that waited for its connection is not late before it was sent", () => {
    const pair = new Pair();
    pair.now = 10_000_000;
    const stream = openStream(pair.client, "early");
    for (let i = 0; i < 20; i++) if (!stream.trySend(new Uint8Array(30_000))) break;
    for (let i = 0; i < 3; i++) {
      pair.settle();
      while (stream.trySend(new Uint8Array(30_000)));
    }
    pair.advance(100_000);
    expect(stream.failure).toBeUndefined();
    pair.advance(60_000);
    expect(stream.failure?.code).toBe("ERR_SLOW_CONSUMER");
  });

  test("a stream that waits for the session's credit is not slow: the one that holds it is", () => {
    const most = 65_536;
    const limits = { sessionWindowBytes: most, maxSessionWindowBytes: most, streamWindowBytes: most };
    const pair = new Pair({ limits: {}, serverLimits: limits }).open();
    const holder = openStream(pair.client, "holder");
    const waiting = openStream(pair.client, "waiting");
    holder.trySend(new Uint8Array(60_000));
    pair.settle();
    for (let i = 0; i < 20; i++) waiting.trySend(new Uint8Array(1_000));
    for (let i = 0; i < 20; i++) {
      pair.advance(10_000);
      const [, read] = pair.streams("server");
      if (read !== undefined) readAll(read);
    }
    expect(holder.failure?.code).toBe("ERR_SLOW_CONSUMER");
    expect(pair.streams("server")[0]?.receive.error?.code).toBe("ERR_SLOW_CONSUMER");
    expect(waiting.failure).toBeUndefined();
    expect(waiting.send.unsent).toBe(0);
  });

  test("a stalled reader holds the sender inside its bounds", () => {
    const pair = new Pair().open();
    const { maxMessageBytes, streamWindowBytes, sessionWindowBytes, maxQueuedBytes } = DEFAULT_LIMITS;
    const streams = Array.from({ length: 6 }, () => openStream(pair.client, "a"));
    const payload = new Uint8Array(1_000);
    let most = 0;
    let mostOfSession = 0;
    for (let ms = 0; ms < 60_000; ms++) {
      for (const stream of streams) {
        if (stream.send.closed) continue;
        while (stream.trySend(payload));
        const { queued, acked } = stream.send;
        most = Math.max(most, queued - acked);
      }
      if (ms % 100 === 0) pair.advance(100);
      const { queuedBytes, sent, acked } = pair.client.mux.outbox;
      mostOfSession = Math.max(mostOfSession, queuedBytes + sent - acked);
    }
    expect(most).toBeLessThanOrEqual(streamWindowBytes + 2 * (1_000 + MESSAGE_CHARGE));
    expect(mostOfSession).toBeLessThanOrEqual(sessionWindowBytes + maxQueuedBytes + maxMessageBytes);
    expect(mostOfSession).toBeLessThanOrEqual(6 * most);
    const { received, consumed } = pair.server.mux.window;
    expect(received - consumed).toBeLessThanOrEqual(sessionWindowBytes);
    expect(received - consumed).toBeGreaterThan(sessionWindowBytes - 20 * 1_024);
    const big = openStream(pair.client, "big");
    expect(() => big.trySend(new Uint8Array(maxMessageBytes + 1))).toThrow(StreamError);
  });

  test("what a receiver holds of unfinished messages stays inside session window and one message", () => {
    const limits = { maxQueuedBytes: 2 ** 31 - 1, maxMessageBytes: 4 * MIB, maxSessionWindowBytes: MIB };
    const pair = new Pair({ limits }).open();
    const streams = Array.from({ length: 60 }, () => openStream(pair.client, "a"));
    for (const stream of streams) stream.trySend(new Uint8Array(4 * MIB));
    let most = 0;
    pair.onEvent = () => {
      const { received, consumed } = pair.server.mux.window;
      most = Math.max(most, received - consumed);
    };
    pair.settle();
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThanOrEqual(MIB + 4 * MIB + MESSAGE_CHARGE);
  });
});
