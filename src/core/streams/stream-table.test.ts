import { describe, expect, test } from "vitest";
import { codeOf } from "../../../test/refusal.ts";
import { EMPTY } from "../bytes.ts";
import { resolveLimits } from "../limits.ts";
import type { StreamId } from "../wire/frame.ts";
import { Mux } from "./mux.ts";
import type { Stream } from "./stream.ts";
import { StreamTable, streamId } from "./stream-table.ts";

const mux = new Mux("server", resolveLimits());

function stream(id: number, local: boolean): Stream {
  const made = mux.create(local, { name: "", priority: 3, metadata: EMPTY }, undefined);
  made.id = id as StreamId;
  return made;
}

/** A server's table that accepted `count` streams. */
function tableWith(count: number, maxStreams = 16): { table: StreamTable; streams: Stream[] } {
  const table = new StreamTable("server", maxStreams);
  const streams = Array.from({ length: count }, (_, i) => stream(streamId("client", i + 1), false));
  for (const one of streams) {
    table.checkAccept(one.id);
    table.accept(one);
  }
  return { table, streams };
}

describe("streamId()", () => {
  test("counts in fours from 4 or 5", () => {
    expect([
      streamId("client", 1),
      streamId("client", 2),
      streamId("server", 1),
      streamId("server", 16),
    ]).toEqual([4, 8, 5, 65]);
  });
});

describe("StreamTable", () => {
  test("checkAccept() accepts the next number of the other side alone", () => {
    const { table } = tableWith(2);
    for (const id of [0, 1, 2, 3, 4, 5, 8, 9, 13, 14, 15, 16])
      expect(codeOf(() => table.checkAccept(id as StreamId))).toBe("ERR_PROTOCOL");
    expect(codeOf(() => table.checkAccept(12 as StreamId))).toBe("none");
  });

  test("checkAccept() rejects a stream beyond the number that was told", () => {
    const { table, streams } = tableWith(16);
    const next = streamId("client", 17);
    expect(codeOf(() => table.checkAccept(next))).toBe("ERR_STREAM_LIMIT");
    expect(table.remove(streams[3]!)).toBe(true);
    expect(codeOf(() => table.checkAccept(next))).toBe("ERR_STREAM_LIMIT");
    expect(table.acceptLimit).toBe(17);
    table.told();
    expect(codeOf(() => table.checkAccept(next))).toBe("none");
  });

  test("remove() asks to tell the peer when a quarter of the places is free, and never for own streams", () => {
    const { table, streams } = tableWith(10);
    expect(streams.slice(0, 5).map((one) => table.remove(one))).toEqual([false, false, false, true, true]);
    expect(table.remove(streams[0]!)).toBe(false);
    const own = stream(table.nextId, true);
    table.add(own);
    expect(table.nextId).toBe(9);
    expect(table.remove(own)).toBe(false);
    expect(table.size).toBe(5);
  });

  test("vacate() gives a place away once, for at most as many streams as may be open", () => {
    const { table, streams } = tableWith(16);
    expect(streams.map((one) => table.vacate(one))).toEqual(streams.map(() => true));
    expect(table.vacate(streams[0]!)).toBe(false);
    expect(table.acceptLimit).toBe(32);
    table.told();
    const more = Array.from({ length: 16 }, (_, i) => stream(streamId("client", 17 + i), false));
    for (const one of more) {
      table.checkAccept(one.id);
      table.accept(one);
      expect(table.vacate(one)).toBe(false);
    }
    expect(table.size).toBe(32);
    expect(codeOf(() => table.checkAccept(streamId("client", 33)))).toBe("ERR_STREAM_LIMIT");
    expect(table.remove(streams[0]!)).toBe(false);
    expect(table.acceptLimit).toBe(32);
    expect(table.vacate(more[0]!)).toBe(true);
    expect(table.remove(more[1]!)).toBe(true);
    expect(table.acceptLimit).toBe(34);
  });

  test("find() tells a stream that is over from one that never was", () => {
    const { table, streams } = tableWith(2);
    expect(table.find(4 as StreamId)).toBe(streams[0]);
    expect(table.find(4 as StreamId)).toBe(streams[0]);
    table.remove(streams[0]!);
    expect(table.find(4 as StreamId)).toBeUndefined();
    expect(table.find(8 as StreamId)).toBe(streams[1]);
    for (const id of [0, 1, 2, 3, 5, 6, 10, 12, Number.MAX_SAFE_INTEGER]) {
      expect(codeOf(() => table.find(id as StreamId))).toBe("ERR_PROTOCOL");
    }
  });

  test("allow() raises the number of own streams and never lowers it; adopt() may", () => {
    const table = new StreamTable("client", 16);
    expect(table.openLimit).toBe(16);
    table.adopt(1);
    expect(table.mayOpen).toBe(true);
    table.add(stream(table.nextId, true));
    expect(table.mayOpen).toBe(false);
    table.allow(2);
    expect(table.mayOpen).toBe(true);
    expect(codeOf(() => table.allow(1))).toBe("ERR_FLOW");
  });

  test("finds each of many streams, those of both sides, however they come and go", () => {
    const { table, streams } = tableWith(500, 1_000);
    const own = Array.from({ length: 500 }, () => {
      const made = stream(table.nextId, true);
      table.add(made);
      return made;
    });
    const all = [...streams, ...own].sort((a, b) => a.id - b.id);
    expect(table.values()).toEqual(all);
    const left = all.filter((_, index) => index % 3 === 0);
    for (const one of all) if (!left.includes(one)) table.remove(one);
    expect(table.size).toBe(left.length);
    expect(table.values()).toEqual(left);
    for (const one of all) expect(table.find(one.id)).toBe(left.includes(one) ? one : undefined);
    for (const one of left) table.remove(one);
    expect(table.size).toBe(0);
    expect(table.values()).toEqual([]);
  });

  test("remove() of a stream that is not in the table changes nothing", () => {
    const { table, streams } = tableWith(3);
    table.remove(streams[1]!);
    expect(table.remove(streams[1]!)).toBe(false);
    expect(new StreamTable("server", 16).remove(streams[0]!)).toBe(false);
    expect(table.values()).toEqual([streams[0], streams[2]]);
  });

  test("clear() forgets all streams", () => {
    const { table } = tableWith(3);
    table.find(8 as StreamId);
    table.clear();
    expect(table.size).toBe(0);
    expect(table.find(8 as StreamId)).toBeUndefined();
  });
});
