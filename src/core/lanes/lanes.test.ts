import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { LaneLink, type LaneLinkOptions, openAside } from "../../../test/lane-link.ts";
import { openStream, readAll } from "../../../test/pair.ts";
import { Random } from "../../testing/random.ts";
import type { Bytes } from "../bytes.ts";
import { StreamError } from "../errors.ts";
import type { Stream } from "../streams/stream.ts";
import { type LaneId, MAIN_LANE } from "./lane.ts";

const LANE_1 = 1 as LaneId;

/** What stands for a message: comparing long arrays takes long. */
const digest = (bytes: Bytes): string => `${bytes.length} ${createHash("sha1").update(bytes).digest("hex")}`;

function message(length: number, seed: number): Bytes {
  return Uint8Array.from({ length }, (_, i) => (i * 7 + seed) & 255);
}

/** Send all of `messages` as credit comes, and end. */
function sendAll(link: LaneLink, stream: Stream, messages: readonly Bytes[]): void {
  let next = 0;
  const go = (): void => {
    while (next < messages.length && stream.sendError === undefined) {
      if (!stream.trySend(messages[next] as Bytes)) return;
      next++;
    }
    if (stream.sendError === undefined) stream.finish();
  };
  const before = link.onEvent;
  link.onEvent = (side, event) => {
    before(side, event);
    if (event.kind === "writable" && event.stream === stream) go();
  };
  go();
}

/** Keep what arrives on every stream, read at once. */
function collect(link: LaneLink): Map<string, string[]> {
  const got = new Map<string, string[]>();
  const before = link.onEvent;
  link.onEvent = (side, event) => {
    before(side, event);
    if (event.kind === "stream") event.stream.finish();
    if (event.kind !== "readable") return;
    const name = `${side} ${event.stream.name}`;
    const messages = readAll(event.stream).map(digest);
    if (messages.length > 0) got.set(name, [...(got.get(name) ?? []), ...messages]);
    if (event.stream.receive.ended) event.stream.release();
  };
  return got;
}

describe("a stream with a lane of its own", () => {
  test.each([true, false])("sends what does not fit its OPEN on it (boundaries %s)", (messageBoundaries) => {
    const link = new LaneLink({ messageBoundaries });
    const got = collect(link);
    link.settle();
    const stream = openAside(link.client, "bulk");
    const messages = Array.from({ length: 40 }, (_, i) => message(20_000, i));
    sendAll(link, stream, messages);
    link.settle();
    expect(got.get("server bulk")).toEqual(messages.map(digest));
    expect(stream.lane).toBe(LANE_1);
    expect(link.aside).toBeGreaterThan(10);
    expect([link.client.mux.table.size, link.server.mux.table.size]).toEqual([0, 0]);
    expect(link.ends).toEqual([]);
  });

  test.each([
    ["the transport has no lanes", { lanes: 0 }],
    ["the stream does not ask", {}],
  ] as const)("stays on the main lane when %s", (_why, options) => {
    const link = new LaneLink(options);
    const got = collect(link);
    link.settle();
    const stream = "lanes" in options ? openAside(link.client, "bulk") : openStream(link.client, "bulk");
    sendAll(link, stream, [message(300_000, 1)]);
    link.settle();
    expect(got.get("server bulk")).toEqual([digest(message(300_000, 1))]);
    expect([stream.lane, link.aside]).toEqual([MAIN_LANE, 0]);
  });

  test("a call that fits its OPEN needs no lane", () => {
    const link = new LaneLink();
    collect(link);
    link.settle();
    const stream = openAside(link.client);
    stream.trySend(message(10, 1));
    stream.finish();
    link.settle();
    expect([stream.lane, link.client.lanes]).toEqual([MAIN_LANE, 0]);
  });

  test("the answers have one when the opener asks for it", () => {
    const link = new LaneLink();
    link.settle();
    const stream = link.client.mux.open({
      name: "download",
      priority: 3,
      metadata: new Uint8Array([3, 13, 1, 1]),
    });
    stream.finish();
    link.settle();
    const accepted = link.accepted[0] as Stream;
    expect(accepted.ownLane).toBe(true);
    sendAll(link, accepted, [message(100_000, 3)]);
    link.settle();
    expect(readAll(stream).map(digest)).toEqual([digest(message(100_000, 3))]);
    expect(accepted.lane).toBe(LANE_1);
  });

  test("lanes are used again, and streams beyond the limit go on the main one", () => {
    const link = new LaneLink({ limits: { maxLanes: 2 } });
    const got = collect(link);
    link.settle();
    const lanes = new Set<LaneId>();
    for (let round = 0; round < 3; round++) {
      const streams = [0, 1, 2].map((i) => openAside(link.client, `${round}${i}`));
      for (const stream of streams) sendAll(link, stream, [message(90_000, round)]);
      link.settle();
      for (const stream of streams) lanes.add(stream.lane);
      expect(link.client.lanes).toBe(2);
    }
    expect([...lanes].sort()).toEqual([0, 1, 2]);
    expect([...got.values()].every(([only]) => only?.startsWith("90000 "))).toBe(true);
    expect(got.size).toBe(9);
  });

  test("LANE may come before the OPEN of its stream, and before HELLO", () => {
    const link = new LaneLink();
    const got = collect(link);
    link.pump();
    link.deliver("client", MAIN_LANE);
    const stream = openAside(link.server, "early");
    sendAll(link, stream, [message(200_000, 5)]);
    link.pump();
    expect(link.loaded).toContainEqual(expect.objectContaining({ from: "server", lane: LANE_1 }));
    link.deliver("server", LANE_1);
    expect(link.client.state).toBe("opening");
    link.settle();
    expect(got.get("client early")).toEqual([digest(message(200_000, 5))]);
    expect(stream.lane).toBe(LANE_1);
  });

  test("a RESET that overtakes data counts it, and what comes late is dropped", () => {
    const link = new LaneLink();
    link.settle();
    const stream = openAside(link.client);
    for (let i = 0; i < 100; i++) stream.trySend(message(1_000, i));
    link.settle((count) => (link.aside === 1 ? 0 : count - 1));
    const second = openAside(link.client, "next");
    stream.reset(new StreamError("ERR_CANCELLED", "enough"));
    second.trySend(message(80_000, 1));
    link.settle(() => 0);
    const [first, next] = link.accepted as [Stream, Stream];
    expect(first.receive.error?.code).toBe("ERR_CANCELLED");
    expect(readAll(next).map(digest)).toEqual([digest(message(80_000, 1))]);
    expect(second.lane).toBe(LANE_1);
    expect(link.server.mux.window.received).toBe(link.client.mux.outbox.sent);
    expect(link.ends).toEqual([]);
  });

  test("credit is lent between lanes in an order that both sides see", () => {
    const windows = { streamWindowBytes: 4_096, maxStreamWindowBytes: 4_096 };
    const limits = {
      ...windows,
      sessionWindowBytes: 8_192,
      maxSessionWindowBytes: 8_192,
      maxFrameBytes: 4_096,
    };
    for (let seed = 0; seed < 60; seed++) {
      const random = new Random(seed);
      const link = new LaneLink({ limits: { ...limits, maxLanes: 3 } });
      const got = collect(link);
      link.settle();
      for (let i = 0; i < 6; i++) {
        const stream = i % 2 === 0 ? openStream(link.client, `${i}`) : openAside(link.client, `${i}`);
        sendAll(link, stream, [message(random.int(1, 60_000), i), message(random.int(1, 30_000), i)]);
      }
      link.settle((count) => random.int(0, count - 1));
      expect([...got.values()].map((messages) => messages.length)).toEqual([2, 2, 2, 2, 2, 2]);
      expect(link.ends).toEqual([]);
    }
  });
});

describe("when the connection is lost", () => {
  test("the streams go on over the next one, with or without lanes", () => {
    for (let seed = 0; seed < 80; seed++) {
      const random = new Random(seed);
      const options: LaneLinkOptions = { messageBoundaries: seed % 2 === 0, limits: { maxLanes: 2 } };
      const link = new LaneLink(options);
      const got = collect(link);
      const sent = new Map<string, string[]>();
      link.settle();
      const begin = (): void => {
        const name = `${sent.size}`;
        const messages = Array.from({ length: random.int(1, 8) }, () => message(random.int(0, 70_000), seed));
        sent.set(`server ${name}`, messages.map(digest));
        const start = { name, priority: 3, ownLane: random.chance(0.7), metadata: new Uint8Array(0) };
        sendAll(link, link.mux("client").open(start), messages);
      };
      for (let i = 0; i < 5; i++) {
        begin();
        link.pump();
        for (let steps = random.int(0, 40); steps > 0 && link.loaded.length > 0; steps--) {
          const { from, lane } = random.pick(link.loaded);
          link.deliver(from, lane);
        }
        if (random.chance(0.5)) link.reconnect({ lanes: random.pick([0, 1, 16]) });
      }
      link.settle((count) => random.int(0, count - 1));
      expect(got).toEqual(sent);
      expect([link.mux("client").table.size, link.mux("server").table.size]).toEqual([0, 0]);
    }
  });

  test("a stream that was given up behind its end is told of again when the end was lost on its lane", () => {
    for (const giveUp of ["reset", "stop"] as const) {
      const link = new LaneLink();
      link.settle();
      const stream = openAside(link.client);
      stream.trySend(message(100_000, 1));
      stream.finish();
      // All but what is on the lane arrives.
      const main = (): void => {
        link.pump();
        for (let next = link.loaded.find(({ lane }) => lane === MAIN_LANE); next !== undefined; ) {
          link.deliver(next.from, next.lane);
          next = link.loaded.find(({ lane }) => lane === MAIN_LANE);
        }
      };
      main();
      link.deliver("client", LANE_1);
      main();
      expect(stream.send.finished).toBe(true);
      const accepted = link.accepted[0] as Stream;
      expect(accepted.receive.finished).toBe(false);
      const error = new StreamError("ERR_CANCELLED", "");
      if (giveUp === "reset") stream.reset(error);
      else accepted.stop(error);
      link.client.ping();
      main();
      link.reconnect();
      link.settle();
      expect(link.ends).toEqual(["ERR_CONNECTION_LOST", "ERR_CONNECTION_LOST"]);
      expect(accepted.receive.finished).toBe(true);
      expect([link.client.state, link.server.state]).toEqual(["open", "open"]);
    }
  });

  test("no lane of the connection before is left to a stream", () => {
    const link = new LaneLink();
    collect(link);
    link.settle();
    const stream = openAside(link.client);
    stream.trySend(message(200_000, 1));
    link.settle();
    expect(stream.lane).toBe(LANE_1);
    link.reconnect({ lanes: 0 });
    link.settle();
    expect(stream.lane).toBe(MAIN_LANE);
    sendAll(link, stream, [message(70_000, 2)]);
    link.settle();
    expect([link.client.lanes, link.client.mux.table.size]).toEqual([0, 0]);
  });
});
