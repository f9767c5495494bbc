import { describe, expect, test } from "vitest";
import { closedCodes, openStream, Pair, readAll, type Side } from "../../../test/pair.ts";
import type { Bytes } from "../bytes.ts";
import { EMPTY } from "../bytes.ts";
import { StateError, StreamError } from "../errors.ts";
import { MAIN_LANE } from "../lanes/lane.ts";
import { resolveLimits } from "../limits.ts";
import { encodeMetadata } from "../wire/metadata.ts";
import { Connection } from "./connection.ts";

const hex = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? EMPTY).toString("hex");

function kinds(pair: Pair, side: Side): string[] {
  return (side === "client" ? pair.clientEvents : pair.serverEvents).map((event) => event.kind);
}

/** A client's metadata block of about `bytes` bytes. */
function metadataOf(bytes: number): Bytes {
  return encodeMetadata({ headers: new Map([["k", "v".repeat(bytes)]]) }, resolveLimits());
}

describe("handshake", () => {
  test("takeOutput() begins with HELLO, and with the magic on byte lanes", () => {
    const limits = resolveLimits();
    const options = { role: "client", limits, codecs: ["raw"], now: 0 } as const;
    const records = new Connection({ ...options, messageBoundaries: true });
    expect(hex(records.takeOutput(MAIN_LANE, 65_536, 0))).toBe(
      "00100001010480010000020481000000030480040000040480100000050240800602447e07027a980803726177",
    );
    const bytes = new Connection({ ...options, messageBoundaries: false });
    expect(hex(bytes.takeOutput(MAIN_LANE, 65_536, 0))).toBe("544944455741590a");
    expect(hex(bytes.takeOutput(MAIN_LANE, 65_536, 0)).slice(2, 6)).toBe("0010");
    expect(bytes.takeOutput(MAIN_LANE, 65_536, 0)).toBeUndefined();
  });

  for (const messageBoundaries of [true, false]) {
    test(`a message goes there and back, boundaries ${messageBoundaries}`, () => {
      const pair = new Pair({ messageBoundaries }).open();
      const stream = openStream(pair.client, "echo");
      expect(stream.trySend(new Uint8Array([1, 2, 3]))).toBe(true);
      stream.finish();
      pair.settle();
      const accepted = pair.streams("server")[0]!;
      expect(accepted.name).toBe("echo");
      expect(readAll(accepted).map(hex)).toEqual(["010203"]);
      expect(accepted.receive.ended).toBe(true);
      accepted.trySend(new Uint8Array(3_000_000).fill(7));
      accepted.finish();
      pair.settle();
      expect(readAll(stream).map((message) => message.length)).toEqual([3_000_000]);
      accepted.release();
      pair.advance(30);
      expect(pair.client.mux.table.size).toBe(0);
      expect(pair.server.mux.table.size).toBe(0);
      expect(kinds(pair, "client")).toContain("delivered");
    });
  }

  test("reject: a close while the client waits reaches it", () => {
    const pair = new Pair({ manualAccept: true }).open();
    pair.server.close("ERR_AUTH", "who are you");
    pair.settle();
    expect(pair.client.error).toMatchObject({ code: "ERR_AUTH", message: "who are you" });
    expect(pair.server.state).toBe("closed");
  });

  test("accept() throws when no client waits", () => {
    const pair = new Pair();
    expect(() => pair.server.accept({ sessionId: new Uint8Array(16) }, 0)).toThrow(StateError);
    pair.open();
    expect(() => pair.server.accept({ sessionId: new Uint8Array(16) }, 0)).toThrow(StateError);
  });

  test("the constructor throws on a token that no HELLO can hold", () => {
    expect(() => new Pair({ client: { token: new Uint8Array(5_000) } })).toThrow(RangeError);
  });

  test("a handshake that takes too long ends both sides", () => {
    const silent = new Pair();
    silent.advance(0);
    const lonely = new Connection({
      role: "server",
      messageBoundaries: true,
      limits: resolveLimits(),
      codecs: [],
      now: 0,
    });
    expect(lonely.deadline).toBe(10_000);
    lonely.handleTimeout(9_999);
    expect(lonely.state).toBe("opening");
    lonely.handleTimeout(10_000);
    expect(lonely.state).toBe("closed");
    expect(lonely.deadline).toBe(Number.POSITIVE_INFINITY);
    expect(lonely.takeOutput(MAIN_LANE, 65_536, 10_000)).toBeUndefined();

    const waiting = new Pair({ manualAccept: true }).open();
    waiting.advance(10_000);
    expect(closedCodes(waiting)).toEqual(["ERR_TIMEOUT", "ERR_TIMEOUT"]);
    expect(waiting.client.state).toBe("closed");
  });

  test("lost() ends everything with its cause, and nothing is written afterwards", () => {
    const pair = new Pair().open();
    const stream = openStream(pair.client, "a");
    stream.trySend(new Uint8Array(1));
    pair.client.lost();
    pair.settle();
    expect(pair.client.state).toBe("closed");
    expect(stream.receive.error?.code).toBe("ERR_CONNECTION_LOST");
    expect(() => stream.trySend(EMPTY)).toThrow("Connection was lost");
    expect(() => openStream(pair.client)).toThrow("Connection was lost");
    pair.client.lost();
    expect(closedCodes(pair)).toEqual(["ERR_CONNECTION_LOST"]);
    const fresh = new Pair();
    fresh.client.lost();
    expect(fresh.client.takeOutput(MAIN_LANE, 65_536, 0)).toBeUndefined();
  });

  test("close() tells the peer, with its code", () => {
    const pair = new Pair().open();
    pair.client.close("ERR_OVERLOADED", "x".repeat(500));
    pair.client.close("ERR_INTERNAL");
    pair.settle();
    expect(closedCodes(pair)).toEqual(["ERR_OVERLOADED", "ERR_OVERLOADED"]);
    expect(pair.server.error?.message).toHaveLength(128);
    const plain = new Pair().open();
    plain.server.close();
    plain.settle();
    expect(closedCodes(plain)).toEqual(["ERR_NONE", "ERR_NONE"]);
  });
});

describe("early data", () => {
  for (const messageBoundaries of [true, false]) {
    test(`what the client sends before HELLO arrives whole, boundaries ${messageBoundaries}`, () => {
      const pair = new Pair({ manualAccept: true, messageBoundaries, pieceBytes: 1_000 });
      const stream = openStream(pair.client, "early");
      expect(stream.trySend(new Uint8Array(3_000).fill(1))).toBe(true);
      expect(stream.trySend(new Uint8Array(9_000).fill(2))).toBe(true);
      expect(stream.trySend(new Uint8Array(1))).toBe(false);
      pair.settle();
      expect(pair.server.state).toBe("authenticating");
      expect(pair.streams("server")).toHaveLength(0);
      pair.server.accept({ sessionId: new Uint8Array(16) }, pair.now);
      pair.settle();
      expect(pair.clientEvents.some((event) => event.kind === "writable" && event.stream === stream)).toBe(
        true,
      );
      expect(readAll(pair.streams("server")[0]!).map((message) => message.length)).toEqual([3_000, 9_000]);
      expect(closedCodes(pair)).toEqual([]);
    });
  }

  test("many small records wait for HELLO instead of passing the server's bound", () => {
    const pair = new Pair({ manualAccept: true });
    const stream = openStream(pair.client, "early");
    let sent = 0;
    for (let i = 0; i < 200; i++) {
      if (stream.trySend(new Uint8Array([i]))) sent++;
      pair.deliver("client");
    }
    expect(pair.wire.length).toBe(64);
    pair.server.accept({ sessionId: new Uint8Array(16) }, pair.now);
    pair.settle();
    expect(closedCodes(pair)).toEqual([]);
    expect(readAll(pair.streams("server")[0]!)).toHaveLength(sent);
  });

  test("metadata of early streams waits for HELLO instead of passing the server's bound", () => {
    const pair = new Pair({ manualAccept: true });
    const streams = Array.from({ length: 16 }, (_, i) => {
      return pair.client.mux.open({
        name: `n${i}`,
        priority: 3,
        metadata: metadataOf(i % 2 === 0 ? 3_000 : 8_000),
      });
    });
    for (const stream of streams) stream.finish(metadataOf(1_000));
    pair.settle();
    const before = pair.wire.reduce((sum, { record }) => sum + record.length, 0);
    expect(before).toBeLessThan(4_096 + 8_192);
    pair.server.accept({ sessionId: new Uint8Array(16) }, pair.now);
    pair.settle();
    expect(closedCodes(pair)).toEqual([]);
    expect(
      pair
        .streams("server")
        .map((stream) => stream.name)
        .sort(),
    ).toEqual(streams.map((stream) => stream.name).sort());
  });

  test("early streams beyond the server's number are none: the least limit is what may be opened early", () => {
    const pair = new Pair({ serverLimits: { maxStreams: 16 } });
    for (let i = 0; i < 40; i++) openStream(pair.client, "a").finish();
    pair.settle();
    expect(pair.streams("server")).toHaveLength(16);
    expect(closedCodes(pair)).toEqual([]);
    expect(() => resolveLimits({ maxStreams: 15 })).toThrow(RangeError);
  });

  test("a message that the server does not accept is reset when its HELLO says so", () => {
    const pair = new Pair({ serverLimits: { maxMessageBytes: 4_096 } });
    const stream = openStream(pair.client, "a");
    stream.trySend(new Uint8Array(10_000));
    const later = openStream(pair.client, "b");
    pair.settle();
    expect(closedCodes(pair)).toEqual([]);
    expect(pair.clientEvents.some((event) => event.kind === "stopped" && event.stream === stream)).toBe(true);
    expect(stream.failure?.code).toBe("ERR_MESSAGE_TOO_LARGE");
    expect(pair.streams("server")[0]?.receive.error?.code).toBe("ERR_MESSAGE_TOO_LARGE");
    expect(() => later.trySend(new Uint8Array(4_097))).toThrow(StreamError);
  });
});
