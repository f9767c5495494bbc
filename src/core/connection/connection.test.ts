import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { openStream, Pair, type PairOptions, readAll, type Side } from "../../../test/pair.ts";
import type { Bytes } from "../bytes.ts";
import { EMPTY } from "../bytes.ts";
import { StateError, StreamError } from "../errors.ts";
import { MAIN_LANE } from "../lanes/lane.ts";
import { resolveLimits } from "../limits.ts";
import { encodeMetadata } from "../wire/metadata.ts";
import { Connection } from "./connection.ts";

const hex = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? EMPTY).toString("hex");
const cancelled = () => new StreamError("ERR_CANCELLED", "no");

function closedCodes(pair: Pair): string[] {
  return [...pair.clientEvents, ...pair.serverEvents].flatMap((event) =>
    event.kind === "closed" ? [event.error?.code ?? "ERR_NONE"] : [],
  );
}

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
    expect(lonely.deadline).toBeUndefined();
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
      while (side.deadline !== undefined) {
        const at = Math.max(side.deadline, pair.now);
        side.handleTimeout(at);
        expect(side.deadline ?? Number.POSITIVE_INFINITY).toBeGreaterThan(at);
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

/** What a run of random operations does at one step. */
type Step =
  | { readonly do: "open"; readonly side: Side }
  | { readonly do: "send"; readonly stream: number; readonly bytes: number }
  | { readonly do: "finish" | "read" | "release"; readonly stream: number }
  | { readonly do: "reset" | "stop"; readonly stream: number }
  | { readonly do: "move"; readonly side: Side }
  | { readonly do: "advance"; readonly ms: number };

const side = fc.constantFrom<Side>("client", "server");
const stream = fc.nat(15);
const size = fc.oneof(
  fc.nat(100),
  fc.nat(5_000),
  fc.nat(200_000),
  fc.constantFrom(0, 65_536, 65_535, 131_072),
);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ do: fc.constant("open" as const), side }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant("send" as const), stream, bytes: size }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("read" as const), stream }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom("finish" as const, "release" as const), stream }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom("reset" as const, "stop" as const), stream }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("move" as const), side }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("advance" as const), ms: fc.nat(200) }) },
);

/** One end of a stream in a run: what it said, what it read. */
interface End {
  readonly stream: ReturnType<typeof openStream>;
  readonly side: Side;
  readonly sent: Bytes[];
  readonly read: Bytes[];
  aborted: boolean;
  peer: End | undefined;
}

/** Plays random steps on a pair and checks what was promised. */
class Run {
  readonly pair: Pair;
  readonly ends: End[] = [];
  readonly #waiting: Record<Side, End[]> = { client: [], server: [] };
  #serial = 0;

  constructor(options: PairOptions) {
    this.pair = new Pair(options);
    this.pair.onEvent = (at, event) => {
      if (event.kind !== "stream") return;
      const opener = this.#waiting[at === "client" ? "server" : "client"].find(
        (end) => end.stream.id === event.stream.id,
      );
      if (opener === undefined) throw new Error(`Nobody opened stream ${event.stream.id}`);
      const end: End = { stream: event.stream, side: at, sent: [], read: [], aborted: false, peer: opener };
      opener.peer = end;
      this.ends.push(end);
    };
  }

  play(step: Step): void {
    const { pair } = this;
    if (step.do === "open") {
      const opened = openStream(pair[step.side], `n${this.#serial++ % 5}`);
      const end: End = {
        stream: opened,
        side: step.side,
        sent: [],
        read: [],
        aborted: false,
        peer: undefined,
      };
      this.ends.push(end);
      this.#waiting[step.side].push(end);
    } else if (step.do === "move") pair.deliver(step.side);
    else if (step.do === "advance") pair.advance(step.ms);
    else {
      const end = this.ends[step.stream % Math.max(1, this.ends.length)];
      if (end !== undefined) this.#act(end, step);
    }
  }

  #act(end: End, step: Step & { stream: number }): void {
    const { stream } = end;
    if (step.do === "send" && stream.sendError === undefined) {
      const payload = new Uint8Array(step.bytes).fill(this.#serial++);
      if (stream.trySend(payload)) end.sent.push(payload);
    } else if (step.do === "finish") stream.finish();
    else if (step.do === "read") end.read.push(...readAll(stream));
    else if (step.do === "release") stream.release();
    else if (step.do === "reset" || step.do === "stop") {
      end.aborted = true;
      stream[step.do](cancelled());
    }
  }

  /** Finish everything, read everything, and check that nothing is left. */
  end(): void {
    const { pair } = this;
    for (const end of this.ends) end.stream.finish();
    for (let i = 0; i < 60; i++) {
      pair.advance(30);
      for (const end of this.ends) {
        end.read.push(...readAll(end.stream));
        end.stream.finish();
        end.stream.release();
      }
    }
    expect(closedCodes(pair)).toEqual([]);
    for (const end of this.ends) {
      const said = end.peer?.sent ?? [];
      // What was read is the beginning of what was said; all of it unless somebody gave up.
      expect(end.read.length).toBeLessThanOrEqual(said.length);
      for (const [i, message] of end.read.entries()) {
        expect(message.length).toBe(said[i]!.length);
        expect(message[0]).toBe(said[i]![0]);
        expect(message.at(-1)).toBe(said[i]!.at(-1));
      }
      if (!end.aborted && end.peer?.aborted !== true) expect(end.read.length).toBe(said.length);
    }
    for (const at of ["client", "server"] as const) this.#checkQuiet(at);
  }

  #checkQuiet(at: Side): void {
    const { mux } = this.pair[at];
    const peer = this.pair[at === "client" ? "server" : "client"].mux;
    expect(mux.table.size).toBe(0);
    expect(mux.outbox.queuedBytes).toBe(0);
    expect(mux.window.received).toBe(mux.window.consumed);
    expect(mux.window.received).toBe(peer.outbox.sent);
    expect(mux.outbox.ready).toBe(false);
    expect(mux.deadline).toBeUndefined();
    expect(peer.outbox.limit).toBeLessThanOrEqual(mux.window.limit);
  }
}

describe("random runs", () => {
  const small = {
    streamWindowBytes: 4_096,
    sessionWindowBytes: 4_096,
    maxStreams: 16,
    maxQueuedBytes: 300_000,
  };
  const kindsOfPair: readonly (readonly [string, PairOptions, number])[] = [
    ["defaults", {}, 120],
    ["small windows", { limits: small, serverLimits: { ...small, maxFrameBytes: 4_096 } }, 120],
    ["byte lanes", { messageBoundaries: false, pieceBytes: 1_013, maxBytes: 3_000 }, 60],
  ];
  for (const [name, options, runs] of kindsOfPair) {
    test(`what one side sent is what the other read, ${name}`, () => {
      fc.assert(
        fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
          const run = new Run(options);
          for (const one of steps) run.play(one);
          run.end();
        }),
        { numRuns: runs, seed: 7 },
      );
    });
  }
});
