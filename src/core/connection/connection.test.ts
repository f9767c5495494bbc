import { describe, expect, test } from "vitest";
import { closedCodes, openStream, Pair, readAll, type Side } from "../../../test/pair.ts";
import type { Bytes } from "../bytes.ts";
import { EMPTY } from "../bytes.ts";
import { MAIN_LANE } from "../lanes/lane.ts";
import { resolveLimits } from "../limits.ts";
import { encodeMetadata } from "../wire/metadata.ts";

function kinds(pair: Pair, side: Side): string[] {
  return (side === "client" ? pair.clientEvents : pair.serverEvents).map((event) => event.kind);
}

/** A client's metadata block of about `bytes` bytes. */
function metadataOf(bytes: number): Bytes {
  return encodeMetadata({ headers: new Map([["k", "v".repeat(bytes)]]) }, resolveLimits());
}

describe("rooms", () => {
  for (const maxBytes of [1, 1_024, 2_000, 5_120, 66_560]) {
    test(`records of at most ${maxBytes} bytes carry everything`, () => {
      const limits = { maxFrameBytes: 4_096 };
      for (const options of [
        { maxBytes },
        { maxBytes, limits },
        { maxBytes, messageBoundaries: false, pieceBytes: 97 },
      ]) {
        const pair = new Pair({ ...options }).open();
        const block = metadataOf(maxBytes === 1 ? 10 : "limits" in options ? 3_000 : 8_000);
        const first = pair.client.mux.open({ name: "m".repeat(256), priority: 0, metadata: block });
        first.trySend(new Uint8Array(65_536).fill(3));
        first.finish(block);
        pair.client.sendDatagram(new Uint8Array(1_150));
        const second = openStream(pair.client, "s");
        second.trySend(EMPTY);
        second.finish();
        pair.settle();
        expect(closedCodes(pair)).toEqual([]);
        const [big, small] = pair.streams("server");
        expect(readAll(big!).map((message) => message.length)).toEqual([65_536]);
        expect(big!.metadata?.headers?.get("k")).toBeDefined();
        expect(big!.receive.trailer?.headers?.get("k")).toBeDefined();
        expect(readAll(small!)).toHaveLength(1);
        expect(kinds(pair, "server")).toContain("datagram");
      }
    });
  }

  test("open() and finish() refuse metadata that fits no frame of the peer", () => {
    const pair = new Pair({ serverLimits: { maxFrameBytes: 4_096 } });
    const early = pair.client.mux.open({ name: "early", priority: 3, metadata: metadataOf(8_000) });
    pair.open();
    expect(early.receive.error?.code).toBe("ERR_LIMIT");
    expect(() => pair.client.mux.open({ name: "x", priority: 3, metadata: metadataOf(8_000) })).toThrow(
      RangeError,
    );
    const stream = openStream(pair.client, "y");
    expect(() => stream.finish(metadataOf(8_000))).toThrow(RangeError);
    stream.finish(metadataOf(1_000));
    pair.settle();
    expect(pair.streams("server").map(({ name }) => name)).toEqual(["y"]);
    expect(closedCodes(pair)).toEqual([]);
  });

  test("open() refuses a priority and a name that do not exist", () => {
    const { client } = new Pair();
    for (const priority of [-1, 8, 1.5, Number.NaN]) {
      expect(() => client.mux.open({ name: "", priority, metadata: EMPTY })).toThrow(RangeError);
    }
    expect(() => openStream(client, "ü".repeat(129))).toThrow(RangeError);
    openStream(client, "ü".repeat(128));
  });

  test("answers to pings never pass the room of a record", () => {
    const limits = { pingsPerSecond: 1_000, maxControlReplies: 1_000 };
    const pair = new Pair({ limits }).open();
    for (let i = 0; i < 900; i++) {
      const bytes = new Uint8Array([0, 0x70, 0, 0xc0, 0, 1, 0, 0, 0, i >> 8, i]);
      pair.server.receive(MAIN_LANE, bytes, pair.now);
    }
    const records = pair.take("server");
    expect(records.length).toBeGreaterThan(0);
    expect(records.reduce((sum, record) => sum + record.length, 0)).toBeGreaterThan(900 * 10);
    for (const record of records) expect(record.length).toBeLessThanOrEqual(66_560);
  });
});

describe("datagrams", () => {
  test("they go beside a stream that fills every record", () => {
    const pair = new Pair().open();
    openStream(pair.client, "bulk").trySend(new Uint8Array(4_000_000));
    pair.client.sendDatagram(new Uint8Array([9]));
    const record = pair.client.takeOutput(MAIN_LANE, 65_536, pair.now);
    pair.give("server", record as Bytes);
    expect(kinds(pair, "server")).toContain("datagram");
    expect((record as Bytes).length).toBeGreaterThan(60_000);
  });

  test("sendDatagram() says no before the connection is open and above the limits", () => {
    const pair = new Pair({ serverLimits: { maxDatagramBytes: 100 } });
    expect(pair.client.sendDatagram(EMPTY)).toBe(false);
    pair.open();
    expect(pair.client.sendDatagram(new Uint8Array(101))).toBe(false);
    expect(pair.client.sendDatagram(new Uint8Array(100))).toBe(true);
    expect(pair.server.sendDatagram(new Uint8Array(1_151))).toBe(false);
    pair.client.close();
    expect(pair.client.sendDatagram(EMPTY)).toBe(false);
  });

  test("those that nobody hears are bounded", () => {
    const pair = new Pair({ limits: { maxDatagrams: 8 } }).open();
    const record = new Uint8Array(1 + 3 * 100);
    for (let i = 0; i < 100; i++) record.set([0x98, 0, 0], 1 + i * 3);
    pair.give("server", record);
    expect(kinds(pair, "server").filter((kind) => kind === "datagram")).toHaveLength(8);
    expect(pair.server.counters.datagramsRefused).toBe(92);
    pair.give("server", record);
    expect(kinds(pair, "server").filter((kind) => kind === "datagram")).toHaveLength(16);
  });
});

describe("going away", () => {
  test("goAway() refuses streams that cross it, and ends those that were never sent", () => {
    const pair = new Pair({ serverLimits: { maxStreams: 16 } }).open();
    const before = Array.from({ length: 15 }, () => openStream(pair.client, "before"));
    for (const stream of before) stream.trySend(EMPTY);
    pair.settle();
    const crossing = openStream(pair.client, "crossing");
    crossing.trySend(new Uint8Array(5));
    const unopened = openStream(pair.client, "unopened");
    unopened.trySend(new Uint8Array(5));
    const records = pair.take("client");
    pair.server.goAway("restart", 250);
    pair.deliver("server");
    for (const record of records) pair.give("server", record);
    pair.settle();
    expect(pair.clientEvents.find((event) => event.kind === "goaway")).toMatchObject({ delayMs: 250 });
    expect(() => openStream(pair.client)).toThrow("restart");
    expect(crossing.receive.error?.code).toBe("ERR_GOING_AWAY");
    expect(unopened.receive.error?.code).toBe("ERR_GOING_AWAY");
    expect(readAll(unopened)).toEqual([]);
    expect(readAll(crossing)).toEqual([]);
    for (const stream of before) stream.finish();
    pair.settle();
    for (const stream of pair.streams("server")) {
      readAll(stream);
      stream.finish();
      stream.release();
    }
    pair.settle();
    for (const stream of before) readAll(stream);
    pair.advance(50);
    expect(closedCodes(pair)).toEqual([]);
    expect(pair.client.mux.table.size).toBe(0);
    expect(pair.server.mux.table.size).toBe(0);
    expect(pair.client.mux.outbox.queuedBytes).toBe(0);
  });
});

describe("time", () => {
  test("handleTimeout() always moves the deadline on, with a transport that takes nothing", () => {
    const pair = new Pair().open();
    const stream = openStream(pair.client, "a");
    stream.trySend(new Uint8Array(400_000));
    stream.finish();
    for (const record of pair.take("client").slice(0, 2)) pair.give("server", record);
    const done = openStream(pair.client, "b");
    done.finish();
    for (const side of [pair.client, pair.server]) {
      let calls = 0;
      while (side.deadline < Number.POSITIVE_INFINITY) {
        const at = Math.max(side.deadline, pair.now);
        side.handleTimeout(at);
        expect(side.deadline).toBeGreaterThan(at);
        expect(++calls).toBeLessThan(20);
      }
      expect(side.state).toBe("closing");
    }
  });

  test("news that can wait go out after 25 ms, and the deadline is then over", () => {
    const pair = new Pair().open();
    openStream(pair.client, "a").finish();
    pair.settle();
    readAll(pair.streams("server")[0]!);
    expect(pair.server.deadline).toBe(pair.now + 25);
    pair.server.handleTimeout(pair.now + 25);
    expect(pair.server.deadline).toBeGreaterThan(pair.now + 25);
    pair.settle();
    expect(kinds(pair, "client")).toContain("delivered");
  });

  test("news that can wait go out at once when there are many", () => {
    const pair = new Pair().open();
    const streams = Array.from({ length: 64 }, () => openStream(pair.client, "a"));
    for (const stream of streams) stream.finish();
    pair.settle();
    for (const stream of pair.streams("server")) readAll(stream);
    pair.settle();
    expect(kinds(pair, "client").filter((kind) => kind === "delivered")).toHaveLength(64);
  });

  test("a dead peer is found, a live one is kept, a stall of this process is not the peer's", () => {
    const live = new Pair().open();
    for (let i = 0; i < 40; i++) live.advance(15_000);
    expect(closedCodes(live)).toEqual([]);

    const dead = new Pair().open();
    for (let i = 0; i < 3; i++) {
      dead.now += 15_000;
      dead.server.handleTimeout(dead.now);
      dead.take("server");
    }
    expect(dead.server.state).toBe("closed");
    expect(dead.server.error?.code).toBe("ERR_TIMEOUT");

    const held = new Pair().open();
    for (let i = 0; i < 10; i++) {
      held.now += 60_000;
      held.server.handleTimeout(held.now);
      held.take("server");
    }
    expect(held.server.state).toBe("open");
  });
});

describe("memory", () => {
  test("a small message that stays unread does not hold its record (T5)", () => {
    const pair = new Pair().open();
    const kept = openStream(pair.client, "kept");
    const bulk = openStream(pair.client, "bulk");
    for (let i = 0; i < 5; i++) {
      kept.trySend(new Uint8Array([i]));
      bulk.trySend(new Uint8Array(40_000));
      pair.settle();
      const other = pair.streams("server")[1]!;
      readAll(other);
    }
    kept.finish();
    pair.settle();
    const messages = readAll(pair.streams("server")[0]!);
    expect(messages.map(([first]) => first)).toEqual([0, 1, 2, 3, 4]);
    for (const message of messages) expect(message.buffer.byteLength).toBe(1);
  });

  test("early data does not hold the chunk that it came in", () => {
    const pair = new Pair({ manualAccept: true });
    const stream = openStream(pair.client, "early");
    for (let i = 0; i < 20; i++) {
      stream.trySend(new Uint8Array([i]));
      for (const record of pair.take("client")) {
        const chunk = new Uint8Array(65_536);
        chunk.set(record);
        pair.server.receive(MAIN_LANE, chunk.subarray(0, record.length), pair.now);
      }
    }
    pair.drain();
    pair.server.accept({ sessionId: new Uint8Array(16) }, pair.now);
    pair.settle();
    const messages = readAll(pair.streams("server")[0]!);
    expect(messages).toHaveLength(20);
    for (const message of messages.slice(1)) expect(message.buffer.byteLength).toBeLessThan(100);
  });
});
