import { describe, expect, test } from "vitest";
import { openStream, Pair, readAll } from "../../test/pair.ts";
import type { Bytes } from "./bytes.ts";
import { type ErrorName, StreamError } from "./errors.ts";
import type { SessionEvent } from "./events.ts";
import type { Stream } from "./stream.ts";

const cancelled = (code: ErrorName = "ERR_CANCELLED") => new StreamError(code, "no");

function bytes(length: number, seed = 1): Bytes {
  return Uint8Array.from({ length }, (_, i) => (i * 31 + (i >>> 8) + seed * 7) & 255);
}

function kinds(events: readonly SessionEvent[], stream?: Stream): string[] {
  return events
    .filter((event) => stream === undefined || ("stream" in event && event.stream === stream))
    .map((event) => event.kind);
}

function expectQuiet(pair: Pair): void {
  for (const side of [pair.client, pair.server]) {
    expect(side.state).toBe("open");
    expect(side.mux.table.size).toBe(0);
    expect(side.mux.outbox.queuedBytes).toBe(0);
    expect(side.mux.outbox.retainedBytes).toBe(0);
    expect(side.mux.window.received).toBe(side.mux.window.consumed);
  }
  expect(pair.client.mux.window.received).toBe(pair.server.mux.outbox.sent);
  expect(pair.server.mux.window.received).toBe(pair.client.mux.outbox.sent);
}

describe.each([true, false])("a resumed session, record boundaries %s", (messageBoundaries) => {
  const open = (options = {}) => new Pair({ resumable: true, messageBoundaries, ...options }).open();

  test("sends what was lost again, once, with the end", () => {
    const pair = open();
    const stream = openStream(pair.client, "a");
    stream.trySend(bytes(10));
    pair.settle();
    stream.trySend(bytes(20));
    stream.trySend(bytes(5_000));
    stream.finish();
    pair.take("client");
    pair.reconnect();
    pair.settle();
    const [peer] = pair.streams("server") as [Stream];
    expect(pair.streams("server")).toHaveLength(1);
    expect(readAll(peer)).toEqual([bytes(10), bytes(20), bytes(5_000)]);
    expect(peer.receive.ended).toBe(true);
    peer.finish();
    peer.release();
    pair.advance(30);
    readAll(stream);
    pair.advance(30);
    pair.advance(30);
    expect(kinds(pair.clientEvents, stream)).toContain("delivered");
    expect(pair.client.mux.resentBytes).toBe(20 + 5_000 + 65);
    expectQuiet(pair);
  });

  test("goes on in the middle of a message, in both directions", () => {
    const pair = open();
    const up = openStream(pair.client, "up");
    up.trySend(bytes(300_000));
    const record = pair.client.takeOutput(0 as never, 70_000, pair.now)!;
    pair.give("server", record);
    const [peer] = pair.streams("server") as [Stream];
    peer.trySend(bytes(200_000, 2));
    const back = pair.server.takeOutput(0 as never, 70_000, pair.now)!;
    pair.give("client", back);
    pair.reconnect();
    pair.settle();
    expect(readAll(peer)).toEqual([bytes(300_000)]);
    expect(readAll(up)).toEqual([bytes(200_000, 2)]);
    expect(pair.client.mux.resentBytes + pair.server.mux.resentBytes).toBeLessThan(70_000);
  });

  test("opens streams whose OPEN was lost once more, in their order", () => {
    const pair = open();
    for (const name of ["a", "b", "c"]) openStream(pair.client, name).trySend(bytes(3));
    pair.take("client");
    const given = openStream(pair.client, "d");
    pair.take("client");
    given.stop(cancelled());
    given.reset(cancelled());
    const stopped = openStream(pair.client, "e");
    pair.take("client");
    stopped.stop(cancelled("ERR_DECODE"));
    pair.reconnect();
    pair.settle();
    expect(pair.streams("server").map(({ name }) => name)).toEqual(["a", "b", "c", "e"]);
    const [, , , e] = pair.streams("server") as [Stream, Stream, Stream, Stream];
    expect(e.failure?.code).toBe("ERR_DECODE");
    expect(given.receive.error?.code).toBe("ERR_CANCELLED");
  });

  test("tells again of resets and stops that may be lost", () => {
    const pair = open();
    const [reset, stop] = [openStream(pair.client, "reset"), openStream(pair.client, "stop")];
    for (const stream of [reset, stop]) stream.trySend(bytes(3));
    pair.settle();
    const [resetPeer, stopPeer] = pair.streams("server") as [Stream, Stream];
    reset.trySend(bytes(100));
    pair.take("client");
    reset.reset(cancelled("ERR_DEADLINE"));
    stop.stop(cancelled("ERR_DECODE"));
    pair.take("client");
    pair.reconnect();
    pair.settle();
    expect(resetPeer.receive.error?.code).toBe("ERR_DEADLINE");
    expect(stopPeer.failure?.code).toBe("ERR_DECODE");
    for (const stream of [resetPeer, stopPeer]) {
      readAll(stream);
      stream.finish();
      stream.release();
    }
    stop.finish();
    pair.advance(30);
    readAll(stopPeer);
    readAll(reset);
    pair.advance(30);
    pair.advance(30);
    expectQuiet(pair);
  });

  test("credit and the news of the end that were lost are told again", () => {
    const pair = open({ limits: { streamWindowBytes: 4_096, maxStreamWindowBytes: 4_096 } });
    const stream = openStream(pair.client, "a");
    stream.trySend(bytes(3_900));
    pair.settle();
    expect(stream.trySend(bytes(1_000))).toBe(true);
    stream.finish();
    const [peer] = pair.streams("server") as [Stream];
    readAll(peer);
    pair.take("server");
    pair.reconnect();
    pair.settle();
    readAll(peer);
    pair.advance(30);
    expect(peer.receive.ended).toBe(true);
    pair.take("server");
    pair.reconnect();
    pair.settle();
    expect(kinds(pair.clientEvents, stream)).toContain("delivered");
    expect(pair.client.mux.outbox.retainedBytes).toBe(0);
  });

  test("a grant that was due goes with RESUME", () => {
    const pair = open({ limits: { streamWindowBytes: 4_096, maxStreamWindowBytes: 4_096 } });
    const stream = openStream(pair.client, "a");
    stream.trySend(bytes(4_000));
    pair.settle();
    pair.streams("server").forEach(readAll);
    pair.reconnect();
    pair.settle();
    expect(stream.send.limit).toBe(4_032 + 4_096);
  });

  test("survives a second loss before RESUME has arrived", () => {
    const pair = open();
    const stream = openStream(pair.client, "a");
    stream.trySend(bytes(10));
    pair.take("client");
    for (let i = 0; i < 3; i++) {
      pair.reconnect();
      pair.deliver("client");
      if (i > 0) pair.take("server");
    }
    pair.reconnect();
    pair.settle();
    expect(pair.streams("server").flatMap(readAll)).toEqual([bytes(10)]);
  });

  test("ends with ERR_SESSION_EXPIRED when what was lost is not kept any more", () => {
    const pair = open({ limits: { maxRetainedBytes: 1_000 } });
    const stream = openStream(pair.client, "a");
    stream.trySend(bytes(10));
    pair.settle();
    for (let i = 0; i < 5; i++) stream.trySend(bytes(500));
    pair.take("client");
    expect(pair.client.mux.outbox.retainedBytes).toBeLessThanOrEqual(1_000);
    pair.reconnect();
    pair.settle();
    expect(pair.client.error?.code).toBe("ERR_SESSION_EXPIRED");
    expect(stream.failure).toMatchObject({ name: "StreamLostError", code: "ERR_SESSION_EXPIRED" });
  });

  test("ends every stream when one whose OPEN was lost is not kept any more", () => {
    const pair = open({ limits: { maxRetainedBytes: 1_000 } });
    const streams = ["a", "b", "c"].map((name) => openStream(pair.client, name));
    for (const stream of streams) stream.trySend(bytes(800));
    pair.take("client");
    pair.reconnect();
    pair.settle();
    for (const stream of streams) expect(stream.failure?.code).toBe("ERR_SESSION_EXPIRED");
  });

  test("resumes although much is not kept, when it has arrived", () => {
    const pair = open({ limits: { maxRetainedBytes: 1_000 } });
    const stream = openStream(pair.client, "a");
    for (let i = 0; i < 5; i++) stream.trySend(bytes(500));
    pair.settle();
    stream.trySend(bytes(10));
    pair.take("client");
    pair.reconnect();
    pair.settle();
    expect(pair.streams("server").flatMap(readAll)).toHaveLength(6);
  });

  test("many streams need many RESUME frames", () => {
    const pair = open();
    const streams = Array.from({ length: 120 }, (_, i) => openStream(pair.client, `stream ${i}`));
    for (const stream of streams) stream.trySend(bytes(50));
    pair.settle();
    for (const stream of streams) stream.trySend(bytes(60));
    pair.take("client");
    pair.reconnect();
    pair.settle();
    expect(pair.client.state).toBe("open");
    for (const stream of pair.streams("server"))
      expect(readAll(stream).map(({ length }) => length)).toEqual([50, 60]);
  });
});

test("a session that the server does not know begins afresh on the same connection", () => {
  const pair = new Pair({ resumable: true }).open();
  const old = pair.client.mux;
  const fresh = new Pair({
    resumable: true,
    client: { resume: { sessionId: new Uint8Array(16), resumeToken: new Uint8Array(32), mux: old } },
  });
  openStream(pair.client, "old").trySend(bytes(3));
  fresh.settle();
  expect(fresh.clientEvents.at(-1)).toMatchObject({ kind: "open", resumed: false });
  expect(fresh.client.mux).not.toBe(old);
  openStream(fresh.client, "new").trySend(bytes(4));
  fresh.settle();
  expect(fresh.streams("server").map(({ name }) => name)).toEqual(["new"]);
});
