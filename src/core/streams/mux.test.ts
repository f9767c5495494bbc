import { describe, expect, test } from "vitest";
import { closedCodes, openStream, Pair, readAll, type Side } from "../../../test/pair.ts";
import { EMPTY } from "../bytes.ts";
import { StreamError } from "../errors.ts";
import { MAIN_LANE } from "../lanes/lane.ts";
import type { Stream } from "./stream.ts";

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

/** Read whatever becomes readable on a side. @returns lengths of the messages by stream name. */
function readEverything(pair: Pair, at: Side): Map<string, number[]> {
  const lengths = new Map<string, number[]>();
  pair.onEvent = (side, event) => {
    if (side !== at || event.kind !== "readable") return;
    const list = lengths.get(event.stream.name) ?? [];
    lengths.set(event.stream.name, list);
    list.push(...readAll(event.stream).map((message) => message.length));
  };
  return lengths;
}

describe("messages larger than the windows", () => {
  for (const streams of [1, 2, 4, 8, 64]) {
    test(`${streams} at a time, each on its stream, all arrive`, () => {
      const pair = new Pair({ limits: { maxQueuedBytes: 2 ** 31 - 1 } }).open();
      const lengths = readEverything(pair, "server");
      const bytes = streams === 64 ? MIB : (streams < 8 ? 16 : 6) * MIB;
      const payload = new Uint8Array(bytes);
      for (let i = 0; i < streams; i++) {
        const stream = openStream(pair.client, `s${i}`);
        expect(stream.trySend(payload)).toBe(true);
        stream.finish();
      }
      pair.settle();
      expect(lengths.size).toBe(streams);
      for (const list of lengths.values()) expect(list).toEqual([bytes]);
    });
  }

  for (const sessionWindowBytes of [4_096, 20_000, 65_536]) {
    test(`many streams in a session window of ${sessionWindowBytes} bytes that may not grow`, () => {
      const limits = {
        sessionWindowBytes,
        maxSessionWindowBytes: sessionWindowBytes,
        streamWindowBytes: 65_536,
        maxQueuedBytes: 2 ** 31 - 1,
      };
      const pair = new Pair({ limits }).open();
      const lengths = readEverything(pair, "server");
      for (let i = 0; i < 40; i++) openStream(pair.client, `s${i}`).trySend(new Uint8Array(100_000 + i));
      pair.settle();
      expect([...lengths.values()].flat()).toHaveLength(40);
      expect(closedCodes(pair)).toEqual([]);
    });
  }

  test("a message behind one that was read late still arrives", () => {
    const pair = new Pair({ limits: { streamWindowBytes: 65_536, maxStreamWindowBytes: 65_536 } }).open();
    const stream = openStream(pair.client, "a");
    const messages = 6;
    let sent = 0;
    let read = 0;
    for (let round = 0; round < 40; round++) {
      while (sent < messages && stream.trySend(new Uint8Array(98_304))) sent++;
      pair.settle();
      // One message at a time, each only after everything that can come has come.
      if (pair.streams("server")[0]!.read() !== undefined) read++;
      pair.settle();
    }
    expect(read).toBe(messages);
  });

  test("when the message that has the lent credit is given up, the next one gets it", () => {
    for (const how of ["stop", "reset"] as const) {
      const pair = new Pair().open();
      const first = openStream(pair.client, "first");
      const second = openStream(pair.client, "second");
      first.trySend(new Uint8Array(4 * MIB));
      second.trySend(new Uint8Array(3 * MIB));
      for (let i = 0; i < 8; i++) {
        const record = pair.client.takeOutput(MAIN_LANE, 70_000, pair.now);
        if (record !== undefined) pair.give("server", record);
      }
      if (how === "stop") pair.streams("server")[0]!.stop(cancelled());
      else first.reset(cancelled());
      pair.settle();
      expect(pair.streams("server")[1]!.read()?.length).toBe(3 * MIB);
      expect(closedCodes(pair)).toEqual([]);
    }
  });

  test("small messages go on beside them while the session has credit", () => {
    const pair = new Pair({ limits: { maxQueuedBytes: 2 ** 31 - 1 } }).open();
    const lengths = readEverything(pair, "server");
    for (let i = 0; i < 8; i++) openStream(pair.client, `big${i}`).trySend(new Uint8Array(2 * MIB));
    const small = openStream(pair.client, "small");
    for (let i = 0; i < 100; i++) {
      small.trySend(new Uint8Array(10));
      pair.settle();
    }
    expect(lengths.get("small")).toHaveLength(100);
  });

  test("handleTimeout() gives up a message that stays unfinished, and the credit goes on", () => {
    const pair = new Pair({ limits: { keepAliveMs: 1_000_000 } }).open();
    const first = openStream(pair.client, "first");
    const second = openStream(pair.client, "second");
    first.trySend(new Uint8Array(4 * MIB));
    second.trySend(new Uint8Array(4 * MIB));
    for (const record of [1, 2, 3].map(() => pair.client.takeOutput(MAIN_LANE, 20_000, pair.now)!)) {
      pair.give("server", record);
    }
    const [a, b] = pair.streams("server");
    expect(a!.receive.unfinished && b!.receive.unfinished).toBe(true);
    const deadline = pair.server.deadline;
    expect(deadline).toBeGreaterThan(pair.now + 30_000);
    expect(deadline).toBeLessThan(pair.now + 35_000);
    pair.now = deadline;
    pair.server.handleTimeout(pair.now);
    expect(a!.receive.error?.code).toBe("ERR_TIMEOUT");
    expect(b!.receive.error).toBeUndefined();
    expect(pair.server.deadline).toBeGreaterThanOrEqual(pair.now + 30_000);
    pair.now = Math.ceil(pair.server.deadline) + 1;
    pair.server.handleTimeout(pair.now);
    expect(b!.receive.error?.code).toBe("ERR_TIMEOUT");
    pair.drain();
    expect(
      pair.serverEvents.filter((event) => event.kind === "readable").map(({ stream }) => stream.name),
    ).toEqual(["first", "second"]);
  });
});

describe("ends", () => {
  /** What each side may do with its half and with the other's, before it hears of what the other does. */
  const ACTS: Record<string, (stream: Stream) => void> = {
    nothing: () => {},
    finish: (stream) => stream.finish(),
    reset: (stream) => stream.reset(cancelled()),
    stop: (stream) => stream.stop(cancelled()),
    "reset+stop": (stream) => {
      stream.reset(cancelled());
      stream.stop(cancelled());
    },
    "stop+reset": (stream) => {
      stream.stop(cancelled());
      stream.reset(cancelled());
    },
    "finish+stop": (stream) => {
      stream.finish();
      stream.stop(cancelled());
    },
    "finish+reset": (stream) => {
      stream.finish();
      stream.reset(cancelled());
    },
    "send+finish": (stream) => {
      if (stream.sendError === undefined) stream.trySend(new Uint8Array(700_000));
      stream.finish();
    },
  };

  for (const [mine, act] of Object.entries(ACTS)) {
    for (const [yours, react] of Object.entries(ACTS)) {
      test(`client ${mine}, server ${yours}: crossing, in both orders, sent or not, nothing is left`, () => {
        for (const order of ["crossing", "client first", "server first"] as const) {
          for (const unread of [0, 1, 300_000]) {
            const pair = new Pair().open();
            const client = openStream(pair.client, "a");
            client.trySend(new Uint8Array(unread));
            pair.settle();
            const server = pair.streams("server")[0]!;
            if (order !== "server first") act(client);
            if (order !== "client first") react(server);
            if (order === "crossing") {
              const toServer = pair.take("client");
              const toClient = pair.take("server");
              for (const record of toServer) pair.give("server", record);
              for (const record of toClient) pair.give("client", record);
            }
            pair.settle();
            if (order === "client first") react(server);
            if (order === "server first") act(client);
            for (let i = 0; i < 4; i++) {
              for (const stream of [client, server]) {
                readAll(stream);
                stream.finish();
              }
              pair.advance(30);
            }
            server.release();
            pair.advance(30);
            expectQuiet(pair);
          }
        }
      });
    }
  }

  test("reset() of a stream that was never sent tells nobody", () => {
    const pair = new Pair().open();
    const stream = openStream(pair.client, "a");
    stream.trySend(new Uint8Array(100));
    stream.reset(cancelled());
    pair.settle();
    expect(pair.streams("server")).toHaveLength(0);
    expect(stream.read()).toBeUndefined();
    expect(stream.receive.error?.code).toBe("ERR_CANCELLED");
    expectQuiet(pair);
  });

  test("stop() before the OPEN is written goes out behind it", () => {
    const pair = new Pair().open();
    const stream = openStream(pair.client, "a");
    stream.stop(cancelled());
    pair.settle();
    const accepted = pair.streams("server")[0]!;
    expect(accepted.failure?.code).toBe("ERR_CANCELLED");
    expect(pair.serverEvents.map(({ kind }) => kind)).toContain("stopped");
    stream.finish();
    pair.settle();
    readAll(accepted);
    accepted.release();
    pair.advance(30);
    expectQuiet(pair);
  });

  test("the peer hears the code and the reason of a reset and of a stop", () => {
    const pair = new Pair().open();
    const stream = openStream(pair.client, "a");
    stream.trySend(EMPTY);
    pair.settle();
    const accepted = pair.streams("server")[0]!;
    stream.reset(new StreamError("ERR_DEADLINE", "too late"));
    accepted.reset(new StreamError("ERR_OVERLOADED", "ü".repeat(100)));
    pair.settle();
    expect(accepted.receive.error).toMatchObject({ code: "ERR_DEADLINE", message: "too late" });
    expect(stream.receive.error).toMatchObject({ code: "ERR_OVERLOADED", message: "ü".repeat(64) });
  });

  test("frames that cross with the ends of many streams are not counted as abuse", () => {
    const pair = new Pair({ limits: { maxStreams: 16 }, serverLimits: {} }).open();
    const streams = Array.from({ length: 128 }, () => openStream(pair.client, "a"));
    for (const stream of streams) stream.trySend(new Uint8Array(7_000));
    pair.settle();
    for (const stream of pair.streams("server")) stream.finish();
    pair.settle();
    for (const stream of streams) readAll(stream);
    for (const stream of streams) stream.reset(cancelled());
    const toServer = pair.take("client");
    for (const stream of pair.streams("server")) stream.stop(cancelled());
    const toClient = pair.take("server");
    for (const record of toServer) pair.give("server", record);
    for (const record of toClient) pair.give("client", record);
    for (const stream of pair.streams("server")) stream.release();
    pair.advance(50);
    expectQuiet(pair);
  });
});

describe("numbers of streams", () => {
  test("calls follow each other without waiting for the news that an answer was read", () => {
    const pair = new Pair({ serverLimits: { maxStreams: 16 } }).open();
    const answered: string[] = [];
    pair.onEvent = (side, event) => {
      if (event.kind !== "readable") return;
      const { stream } = event;
      if (readAll(stream).length === 0) return;
      if (side === "client") answered.push(stream.name);
      else {
        stream.trySend(new Uint8Array(3));
        stream.finish();
        stream.release();
      }
    };
    const names = Array.from({ length: 64 }, (_, i) => `s${i}`);
    for (const name of names) {
      const stream = openStream(pair.client, name);
      stream.trySend(new Uint8Array(3));
      stream.finish();
    }
    pair.settle(); // no time passes: what waits 25 ms for a record to ride on may not hold up the next call
    expect(answered).toEqual(names);
    pair.advance(30);
    expectQuiet(pair);
  });

  test("no more streams linger than may be open, though the peer never says that it has read", () => {
    const pair = new Pair({ serverLimits: { maxStreams: 16 } }).open();
    pair.onEvent = (side, event) => {
      if (side === "client" || event.kind !== "readable") return;
      readAll(event.stream);
      event.stream.trySend(new Uint8Array(3));
      event.stream.finish();
      event.stream.release();
    };
    for (let i = 0; i < 100; i++) {
      const stream = openStream(pair.client, `s${i}`);
      stream.trySend(new Uint8Array(3));
      stream.finish();
    }
    for (let i = 0; i < 10; i++) pair.advance(30);
    expect(pair.streams("server")).toHaveLength(32);
    expect(pair.server.mux.table.size).toBe(32);
  });

  test("streams beyond the peer's number wait, in order, and follow as places get free", () => {
    const pair = new Pair({ serverLimits: { maxStreams: 16 } }).open();
    const streams = Array.from({ length: 100 }, (_, i) => openStream(pair.client, `s${i}`));
    for (const stream of streams) {
      stream.trySend(new Uint8Array(3));
      stream.finish();
    }
    pair.settle();
    expect(pair.streams("server")).toHaveLength(16);
    let served = 0;
    while (served < 100) {
      const stream = pair.streams("server")[served++]!;
      expect(readAll(stream)).toHaveLength(1);
      stream.finish();
      stream.release();
      pair.settle();
      readAll(streams[served - 1]!);
      pair.settle();
      // 16 that are open, and 16 whose end is not acknowledged.
      expect(pair.server.mux.table.size).toBeLessThanOrEqual(32);
    }
    pair.advance(30);
    expect(pair.streams("server").map(({ name }) => name)).toEqual(streams.map(({ name }) => name));
    expectQuiet(pair);
  });

  test("a stream keeps its place until its handler lets go of it", () => {
    const pair = new Pair({ serverLimits: { maxStreams: 16 } }).open();
    const streams = Array.from({ length: 17 }, () => openStream(pair.client));
    pair.settle();
    for (const stream of streams) {
      stream.reset(cancelled());
      stream.stop(cancelled());
    }
    const late = openStream(pair.client, "late");
    late.finish();
    pair.settle();
    expect(pair.streams("server")).toHaveLength(16);
    for (const stream of pair.streams("server")) stream.release();
    pair.settle();
    expect(pair.streams("server").at(-1)?.name).toBe("late");
  });

  test("streams that were given up while they waited are forgotten", () => {
    const pair = new Pair({ serverLimits: { maxStreams: 16 } }).open();
    for (let i = 0; i < 16; i++) openStream(pair.client);
    pair.settle();
    for (let i = 0; i < 1_000; i++) {
      const stream = openStream(pair.client, "waits");
      stream.trySend(new Uint8Array(100));
      pair.settle();
      stream.reset(cancelled());
    }
    expect(pair.client.mux.outbox.queuedBytes).toBe(0);
    expect(pair.client.mux.outbox.takeUnopened()).toHaveLength(0);
  });
});
