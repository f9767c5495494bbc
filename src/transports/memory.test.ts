import { expect, test } from "vitest";
import { transportSuite } from "../../test/conformance/transport.ts";
import { TransportError, type WireError } from "../core/errors.ts";
import { type LaneId, MAIN_LANE } from "../core/lanes/lane.ts";
import { memoryPair } from "./memory.ts";
import type { TransportEvents } from "./transport.ts";

transportSuite(
  "memory",
  async () => {
    const { a, b, lose } = memoryPair();
    return { a, b, lose: () => lose(), cleanup: async () => lose() };
  },
  { maxRecordBytes: 16 * 1024 * 1024 },
);

function listen(log: string[], name: string): TransportEvents {
  return {
    data: (_lane, bytes) => log.push(`${name} data ${bytes.length}`),
    drain: () => log.push(`${name} drain`),
    lane: () => log.push(`${name} lane`),
    datagram: () => log.push(`${name} datagram`),
    closed: (error?: WireError) => log.push(`${name} closed ${error?.message ?? "in order"}`),
  };
}

test("write() delivers a burst in one microtask", async () => {
  const { a, b } = memoryPair();
  const log: string[] = [];
  b.start(listen(log, "b"));
  await Promise.resolve();
  for (let i = 0; i < 3; i++) a.write(MAIN_LANE, new Uint8Array(i));
  expect(log).toEqual([]);
  await Promise.resolve();
  expect(log).toEqual(["b data 0", "b data 1", "b data 2"]);
});

test("writeParts() writes into what its owner has let go of, and into nothing else", async () => {
  const { a, b } = memoryPair();
  const got: Uint8Array[] = [];
  let isKept = false;
  b.start({
    ...listen([], "b"),
    data: (_lane, bytes) => {
      got.push(bytes);
      return isKept;
    },
  });
  const send = async (value: number) => {
    a.writeParts(MAIN_LANE, new Uint8Array([value]), new Uint8Array(19_999).fill(value));
    await Promise.resolve();
  };
  await send(1);
  a.write(MAIN_LANE, new Uint8Array(100)); // too short to be used again
  await Promise.resolve();
  isKept = true;
  await send(2);
  await send(3);
  expect(got[2]?.buffer).toBe(got[0]?.buffer);
  expect(got[2]).toEqual(new Uint8Array(20_000).fill(2));
  expect(got[3]).toEqual(new Uint8Array(20_000).fill(3));
});

test("lose() drops what is on its way, even to a paused end", async () => {
  const { a, b, lose } = memoryPair();
  const log: string[] = [];
  a.start(listen(log, "a"));
  b.start(listen(log, "b"));
  b.pause();
  a.write(MAIN_LANE, new Uint8Array(5));
  await Promise.resolve();
  lose(new TransportError("cut"));
  a.close(1000, "");
  await Promise.resolve();
  await Promise.resolve();
  expect(log.sort()).toEqual(["a closed cut", "b closed cut"]);
});

test("pause() in a data listener holds the rest of the burst and the end", async () => {
  const { a, b } = memoryPair();
  const log: string[] = [];
  a.start(listen(log, "a"));
  b.start({
    ...listen(log, "b"),
    data: (_lane, bytes) => {
      log.push(`b data ${bytes.length}`);
      b.pause();
    },
  });
  a.write(MAIN_LANE, new Uint8Array(1));
  a.write(MAIN_LANE, new Uint8Array(2));
  a.close(1000, "");
  const seen: string[][] = [];
  for (let i = 0; i < 3; i++) {
    for (let turn = 0; turn < 4; turn++) await Promise.resolve();
    seen.push(log.splice(0));
    b.resume();
  }
  expect(seen[0]?.sort()).toEqual(["a closed in order", "b data 1"]);
  expect(seen.slice(1)).toEqual([["b data 2"], ["b closed in order"]]);
});

test("lanes overtake the main one, keep their own order, and fill up each for itself", async () => {
  const { a, b } = memoryPair({ lanes: 3, highWaterBytes: 100 });
  const log: string[] = [];
  a.start({ ...listen(log, "a"), drain: (lane) => log.push(`a drain ${lane}`) });
  b.start({ ...listen(log, "b"), data: (lane, bytes) => log.push(`b lane ${lane} ${bytes.length}`) });
  await Promise.resolve();
  expect([a.openLane(), a.openLane(), b.openLane()]).toEqual([1, 2, 1]);
  expect(a.write(MAIN_LANE, new Uint8Array(10))).toBe(true);
  expect(a.write(1 as LaneId, new Uint8Array(60))).toBe(true);
  expect(a.write(1 as LaneId, new Uint8Array(50))).toBe(false);
  expect(a.write(2 as LaneId, new Uint8Array(20))).toBe(true);
  expect([MAIN_LANE, 1 as LaneId, 2 as LaneId].map((lane) => a.bufferedBytes(lane))).toEqual([10, 110, 20]);
  await Promise.resolve();
  expect(log).toEqual(["b lane -3 20", "b lane -2 60", "b lane -2 50", "b lane 0 10", "a drain 1"]);
});

test("a pause in the middle of a burst keeps the rest of it before what comes later", async () => {
  const { a, b } = memoryPair({ lanes: 2 });
  const log: string[] = [];
  a.start(listen(log, "a"));
  b.start({
    ...listen(log, "b"),
    data: (lane, bytes) => {
      log.push(`b lane ${lane} ${bytes.length}`);
      if (log.length === 1) b.pause();
    },
  });
  await Promise.resolve();
  const lane = a.openLane();
  for (const bytes of [1, 2]) a.write(MAIN_LANE, new Uint8Array(bytes));
  a.write(lane, new Uint8Array(3));
  for (let turn = 0; turn < 4; turn++) await Promise.resolve();
  a.write(lane, new Uint8Array(4));
  expect(log).toEqual(["b lane -2 3"]);
  b.resume();
  for (let turn = 0; turn < 4; turn++) await Promise.resolve();
  expect(log).toEqual(["b lane -2 3", "b lane 0 1", "b lane 0 2", "b lane -2 4"]);
});

test("a pair that is cut while it delivers delivers nothing more", async () => {
  const pair = memoryPair();
  const log: string[] = [];
  pair.a.start(listen(log, "a"));
  pair.b.start({
    ...listen(log, "b"),
    data: (_, bytes) => {
      log.push(`b data ${bytes.length}`);
      pair.lose();
    },
  });
  await Promise.resolve();
  for (const bytes of [1, 2, 3]) pair.a.write(MAIN_LANE, new Uint8Array(bytes));
  for (let turn = 0; turn < 4; turn++) await Promise.resolve();
  expect(log.filter((line) => line.startsWith("b data"))).toEqual(["b data 1"]);
  expect(pair.a.bufferedBytes(MAIN_LANE)).toBe(0);
});
