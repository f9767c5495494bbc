import { describe, expect, test } from "vitest";
import { openStream, Pair, readAll } from "../../../test/pair.ts";
import type { Bytes } from "../bytes.ts";
import { type ErrorName, StreamError } from "../errors.ts";
import type { SessionEvent } from "../events.ts";
import type { Stream } from "../streams/stream.ts";
import { FrameReader } from "../wire/frame.ts";
import * as FrameFlag from "../wire/frame-flag.ts";
import * as FrameType from "../wire/frame-type.ts";
import { varintBytes, writeVarint } from "../wire/varint.ts";
import { ResumeInput } from "./resume.ts";

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

  test("keeps no more than it must beside a long message that is sent in part", () => {
    const pair = open({ limits: { maxRetainedBytes: 10_000 } });
    const [long, ...short] = Array.from({ length: 6 }, (_, i) => openStream(pair.client, `${i}`));
    long!.trySend(bytes(400_000));
    pair.take("client");
    for (const stream of short) for (let i = 0; i < 4; i++) stream.trySend(bytes(1_000));
    pair.take("client");
    const { outbox } = pair.client.mux;
    expect(outbox.retainedBytes - long!.send.retained).toBeLessThan(2_000);
  });

  test("a process that was asleep takes nothing for late", () => {
    const pair = open();
    const [late, stalled] = [openStream(pair.client, "late"), openStream(pair.client, "stalled")];
    late.trySend(bytes(300_000));
    pair.settle();
    for (let i = 0; i < 20; i++) stalled.trySend(bytes(30_000));
    pair.settle();
    pair.now += 600_000;
    for (const side of [pair.client, pair.server]) side.handleTimeout(pair.now);
    pair.settle();
    expect([late.failure, stalled.failure, pair.client.state]).toEqual([undefined, undefined, "open"]);
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

describe("ResumeInput", () => {
  /** Apply RESUME frames with these numbers to the client of a pair that has just lost its connection. */
  function apply(pair: Pair, ...frames: readonly (readonly number[])[]): () => boolean {
    pair.client.lost();
    const input = new ResumeInput(pair.client.mux);
    return () => {
      let complete = false;
      for (const [i, values] of frames.entries()) {
        const body = values.flatMap((value) => {
          const bytes = new Uint8Array(varintBytes(value));
          writeVarint(bytes, 0, value);
          return [...bytes];
        });
        const more = i + 1 < frames.length ? FrameFlag.MORE : 0;
        const reader = new FrameReader();
        reader.reset(Uint8Array.from([(FrameType.RESUME << 4) | more, 0, ...body]), 0);
        reader.next();
        complete = input.apply(reader);
      }
      return complete;
    };
  }

  /** A client with one stream that has sent 42 charged bytes, and a session that was granted a MiB. */
  function sent(): Pair {
    const pair = new Pair({ resumable: true }).open();
    openStream(pair.client, "a").trySend(bytes(10));
    pair.settle();
    return pair;
  }

  const MIB = 1_048_576;
  const WINDOW = 262_144;
  const code = (run: () => unknown): unknown => {
    try {
      run();
    } catch (error) {
      return (error as { code?: string }).code;
    }
    return undefined;
  };

  test("takes positions that are possible", () => {
    expect(apply(sent(), [0, 1, 0, MIB, 128, 4, 0, 42, 0, WINDOW])()).toBe(true);
  });

  test.each([
    ["the session's own entry is not first", [[4, 0, 42, 0, WINDOW]], "ERR_PROTOCOL"],
    ["more streams were accepted than opened", [[0, 2, 0, MIB, 128]], "ERR_PROTOCOL"],
    [
      "a stream is named twice",
      [[0, 1, 0, MIB, 128, 4, 0, 42, 0, WINDOW, 4, 0, 42, 0, WINDOW]],
      "ERR_PROTOCOL",
    ],
    ["a stream was never opened", [[0, 1, 0, MIB, 128, 8, 0, 0, 0, WINDOW]], "ERR_PROTOCOL"],
    ["a stream that is not over is not named", [[0, 1, 0, MIB, 128]], "ERR_PROTOCOL"],
    ["more was received than sent", [[0, 1, 0, MIB, 128, 4, 0, 43, 0, WINDOW]], "ERR_FLOW"],
    ["more was consumed than received", [[0, 1, 0, MIB, 128, 4, 0, 41, 42, WINDOW]], "ERR_FLOW"],
    ["the credit of a stream goes back", [[0, 1, 0, MIB, 128, 4, 0, 42, 0, WINDOW - 1]], "ERR_FLOW"],
    ["the credit of the session goes back", [[0, 1, 0, MIB - 1, 128]], "ERR_FLOW"],
    ["the session has consumed what it has lost", [[0, 0, 42, MIB, 128]], "ERR_FLOW"],
    ["no frame ended at the position", [[0, 1, 0, MIB, 128, 4, 0, 20, 0, WINDOW]], "ERR_FLOW"],
    ["a frame has no entry", [[0, 1, 0, MIB, 128], [], [4, 0, 42, 0, WINDOW]], "ERR_PROTOCOL"],
    ["an entry is cut off", [[0, 1, 0, MIB, 128, 4, 0, 42]], "ERR_PROTOCOL"],
  ] as const)("refuses that %s", (_what, frames, error) => {
    expect(code(apply(sent(), ...frames))).toBe(error);
  });

  test("refuses that a stream was not heard of which was answered", () => {
    const pair = sent();
    const [peer] = pair.streams("server") as [Stream];
    peer.trySend(bytes(5));
    pair.settle();
    expect(code(apply(pair, [0, 0, 0, MIB, 128]))).toBe("ERR_PROTOCOL");
  });

  test("names of streams that nobody has heard of have an end", () => {
    const head = [0, 1, 0, MIB, 128, 4, 0, 42, 0, WINDOW];
    const flood = Array.from({ length: 10_000 }, (_, i) => [(i + 1) * 4 + 1, 0, 0, 0, WINDOW]);
    expect(code(apply(sent(), head, ...flood, [9_999_997, 0, 0, 0, 1]))).toBe("ERR_LIMIT");
  });

  test("a stop needs nothing of what is not kept any more", () => {
    const pair = new Pair({ resumable: true, limits: { maxRetainedBytes: 100 } }).open();
    const stream = openStream(pair.client, "a");
    stream.trySend(bytes(10));
    pair.settle();
    for (let i = 0; i < 3; i++) stream.trySend(bytes(90));
    pair.take("client");
    expect(apply(pair, [0, 1, 0, MIB, 128, 4, 1, 42, 0, WINDOW, 19, 0])()).toBe(true);
    expect(stream.failure?.code).toBe("ERR_CANCELLED");
    expect([pair.client.mux.outbox.queuedBytes, pair.client.mux.outbox.retainedBytes]).toEqual([0, 0]);
  });
});

test("a stream that is stopped while its OPEN may be lost is not named in RESUME", () => {
  const pair = new Pair({ resumable: true }).open();
  const stream = openStream(pair.client, "a");
  stream.trySend(bytes(10));
  pair.take("client");
  pair.reconnect();
  pair.deliver("client");
  stream.stop(cancelled());
  pair.deliver("server");
  pair.reconnect();
  pair.settle();
  expect([pair.client.state, pair.server.state]).toEqual(["open", "open"]);
  expect(pair.streams("server").map(({ failure }) => failure?.code)).toEqual(["ERR_CANCELLED"]);
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
