import { describe, expect, it } from "vitest";
import { makeInput } from "../../../test/compression/inputs.ts";
import { openStream, Pair, type PairOptions, readAll, type Side } from "../../../test/pair.ts";
import type { Bytes } from "../bytes.ts";
import type { ConnectionOptions } from "../connection/connection-options.ts";
import { DEFAULT_LIMITS } from "../limits.ts";
import { FrameReader } from "../wire/frame.ts";
import * as FrameType from "../wire/frame-type.ts";
import { encodeMetadata } from "../wire/metadata.ts";
import { lz4 } from "./lz4.ts";
import { compression } from "./record-compression.ts";

const LZ4 = compression([lz4]);
const NO_METADATA: Bytes = new Uint8Array(0);
/** Two messages, each worth compressing. */
const JSON_BYTES = makeInput("json", 2_000, 1);
const LOG_BYTES = makeInput("logs", 3_000, 1);

/** Options of each connection: they are asked for afresh, since every connection has a compression of its own. */
const compressing = (): Partial<ConnectionOptions> => ({ compression: LZ4.open() });

function both(options: PairOptions = {}): Pair {
  return new Pair({ ...options, client: compressing(), server: compressing() });
}

/** Header bytes of the records that one side sent over a lane with boundaries. */
function headers(pair: Pair, from: Side): number[] {
  return pair.wire.filter((one) => one.from === from).map(({ record }) => record[0] as number);
}

describe("a connection with compression", () => {
  it.each([true, false])("carries messages both ways, boundaries %s", (messageBoundaries) => {
    for (const pieceBytes of messageBoundaries ? [1_000_000] : [1, 7, 1_000_000]) {
      const pair = both({ messageBoundaries, pieceBytes }).open();
      const stream = openStream(pair.client);
      stream.trySend(JSON_BYTES);
      pair.settle();
      const accepted = pair.streams("server")[0]!;
      expect(readAll(accepted)).toEqual([JSON_BYTES]);
      accepted.trySend(LOG_BYTES);
      accepted.trySend(JSON_BYTES);
      pair.settle();
      expect(readAll(stream)).toEqual([LOG_BYTES, JSON_BYTES]);
      for (const { counters } of [pair.client, pair.server]) {
        expect(counters.bytesSaved).toBeGreaterThan(800);
        expect(counters.bytesSent).toBeLessThan(3_500);
      }
    }
  });

  it("compresses the records that are worth it, and never the one with HELLO", () => {
    const pair = both();
    openStream(pair.client, "early").trySend(JSON_BYTES);
    pair.open();
    expect(headers(pair, "client").every((header) => header === 0)).toBe(true);
    const before = pair.wire.length;
    openStream(pair.client, "later").trySend(JSON_BYTES);
    openStream(pair.client, "tiny").trySend(new Uint8Array(3));
    pair.settle();
    expect(pair.wire[before]!.record[0]).toBe(lz4.number);
    expect(headers(pair, "server")).toEqual(headers(pair, "server").map(() => 0));
    expect(pair.streams("server").map((stream) => readAll(stream).length)).toEqual([1, 1, 1]);
  });

  it("compresses only where both sides ask for it", () => {
    for (const asks of ["client", "server"] as const) {
      const pair = new Pair({ [asks]: compressing() }).open();
      openStream(pair.client).trySend(JSON_BYTES);
      pair.settle();
      const accepted = pair.streams("server")[0]!;
      accepted.trySend(JSON_BYTES);
      pair.settle();
      expect(readAll(accepted)).toEqual([JSON_BYTES]);
      expect(pair.wire.every(({ record }) => record[0] === 0)).toBe(true);
      expect(pair[asks].peer?.compressors).toBe(undefined);
      expect(pair[asks === "client" ? "server" : "client"].peer?.compressors).toEqual([1]);
    }
  });

  it("splits a long message into records whose frames keep to the peer's limit", () => {
    const pair = both({ limits: { maxFrameBytes: 4_096 } }).open();
    const long = makeInput("json", 60_000, 2);
    openStream(pair.client).trySend(long);
    pair.settle();
    expect(readAll(pair.streams("server")[0]!)).toEqual([long]);
    expect(headers(pair, "client").filter((header) => header === 1).length).toBeGreaterThan(10);
  });

  it("never reads a compressed record of a client that is not let in yet", () => {
    const pair = both({ manualAccept: true });
    openStream(pair.client).trySend(JSON_BYTES);
    pair.settle();
    const record = new Uint8Array([1, 3, 0x30, 0x70, 0, 0]); // a PING, one literal after the other
    pair.give("server", record);
    expect(pair.server.state).toBe("authenticating");
    pair.server.accept({ sessionId: new Uint8Array(16) }, pair.now);
    pair.drain();
    expect(pair.server.error?.code).toBe("ERR_PROTOCOL");
  });

  it("ends the connection, and nothing else, when a record cannot be expanded", () => {
    const pair = both().open();
    pair.give("server", new Uint8Array([1, 0x7f, 0xff, 0x1f, 0, 1, 0, 0xff]));
    expect(pair.server.error?.code).toBe("ERR_COMPRESS");
    pair.settle();
    expect(pair.client.error?.code).toBe("ERR_COMPRESS");
  });

  it("carries a session on over another connection, compressed again", () => {
    const pair = both({ resumable: true }).open();
    const stream = openStream(pair.client);
    stream.trySend(JSON_BYTES);
    pair.take("client"); // lost on the way
    pair.reconnect();
    pair.settle();
    expect(pair.client.state).toBe("open");
    expect(readAll(pair.streams("server")[0]!)).toEqual([JSON_BYTES]);
    expect(pair.client.counters.bytesSaved).toBeGreaterThan(800);
  });
});

describe("what is not compressed", () => {
  /** Names of the streams whose frames are in records of that kind, of all that the client sent. */
  function streamsIn(pair: Pair, compressed: boolean): Set<number> {
    const frames = new FrameReader();
    const seen = new Set<number>();
    const records = LZ4.open();
    for (const { from, record } of pair.wire) {
      if (from !== "client" || (record[0] === 1) !== compressed) continue;
      if (compressed) frames.reset(records.expand(record, 70_000), 0);
      else frames.reset(record, 1);
      while (frames.next())
        if (frames.type === FrameType.DATA || frames.type === FrameType.OPEN) seen.add(frames.stream);
    }
    return seen;
  }

  it("records with frames of a stream that must not be", () => {
    const pair = both().open();
    const metadata = encodeMetadata({ compress: false }, DEFAULT_LIMITS);
    const secret = pair.client.mux.open({ name: "secret", priority: 3, metadata });
    secret.compress = false;
    const open = openStream(pair.client);
    secret.trySend(JSON_BYTES);
    pair.settle();
    open.trySend(JSON_BYTES);
    pair.settle();
    // Both in one task: what travels with a secret is not compressed either.
    secret.trySend(LOG_BYTES);
    open.trySend(LOG_BYTES);
    pair.settle();
    expect(streamsIn(pair, true)).toEqual(new Set([8]));
    expect(streamsIn(pair, false)).toEqual(new Set([4, 8]));
    const [first, second] = pair.streams("server");
    expect([readAll(first!), readAll(second!)]).toEqual([
      [JSON_BYTES, LOG_BYTES],
      [JSON_BYTES, LOG_BYTES],
    ]);
    // The acceptor was told by the metadata.
    expect([first!.compress, second!.compress]).toEqual([false, true]);
    const before = pair.wire.length;
    first!.trySend(JSON_BYTES);
    pair.settle();
    expect(pair.wire[before]!.record[0]).toBe(0);
  });

  it("long secrets, in each of their records, and the end of them", () => {
    const pair = both({ limits: { maxFrameBytes: 4_096, sessionWindowBytes: 8_192 } }).open();
    const secret = pair.client.mux.open({ name: "", priority: 3, metadata: NO_METADATA });
    secret.compress = false;
    pair.settle();
    const long = makeInput("logs", 50_000, 1);
    secret.trySend(long);
    for (let i = 0; i < 60; i++) {
      pair.settle();
      if (pair.streams("server")[0]) readAll(pair.streams("server")[0]!);
    }
    expect(streamsIn(pair, true).size).toBe(0);
    expect(pair.client.mux.outbox.queuedBytes).toBe(0);
  });

  it("datagrams in records", () => {
    const pair = both().open();
    const before = pair.wire.length;
    pair.client.sendDatagram(makeInput("zeros", 900, 1));
    pair.settle();
    expect(pair.wire[before]!.record[0]).toBe(0);
    expect(pair.serverEvents.at(-1)).toMatchObject({ kind: "datagram" });
  });
});
