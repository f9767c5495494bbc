import { afterEach, describe, expect, test } from "vitest";
import { until } from "../../test/sessions.ts";
import { type Bytes, concatBytes, equalBytes } from "../core/bytes.ts";
import { LaneReader, LaneWriter, makeByteRing } from "./lane.ts";
import type { Timers } from "./wait.ts";

const TIMERS: Timers = {
  schedule: (run, ms) => setTimeout(run, ms),
  cancel: (handle) => clearTimeout(handle as ReturnType<typeof setTimeout>),
  now: () => performance.now(),
};

const readers: LaneReader[] = [];
afterEach(() => {
  for (const reader of readers.splice(0)) reader.stop();
});

function fail(error: unknown): never {
  throw error;
}

/** Both ends of a ring in one thread. */
function open(capacity: number, data: (bytes: Bytes) => void, drained = () => {}) {
  const ring = makeByteRing(capacity);
  const reader = new LaneReader(ring, TIMERS, data, fail);
  readers.push(reader);
  return { writer: new LaneWriter(ring, TIMERS, drained, fail), reader };
}

function pattern(length: number, seed = 0): Bytes {
  return Uint8Array.from({ length }, (_, at) => (at * 31 + (at >> 8) + seed) & 0xff);
}

function join(pieces: readonly Bytes[]): Bytes {
  return concatBytes(
    pieces,
    pieces.reduce((sum, { length }) => sum + length, 0),
  );
}

describe("a lane", () => {
  test("carries a head and a tail as one piece, wherever they lie in memory", () => {
    for (const [before, headBytes, tailBytes] of [
      [0, 9, 65_536],
      [1, 13, 65_536],
      [3, 1, 20_000],
      [0, 0, 600],
      [5, 7, 0],
    ] as const) {
      const pieces: Bytes[] = [];
      const { writer, reader } = open(512 * 1024, (bytes) => pieces.push(bytes.slice()));
      const head = pattern(headBytes, 1);
      const tail = pattern(tailBytes + before, 2).subarray(before);
      expect(writer.write(head, tail)).toBe(true);
      reader.read();
      expect(pieces.length).toBe(1);
      expect(equalBytes(pieces[0]!, join([head, tail]))).toBe(true);
    }
  });

  test("lends the same memory again, and other memory to who reads meanwhile", () => {
    const seen: Bytes[] = [];
    const other = open(4_096, (bytes) => seen.push(bytes));
    other.writer.write(pattern(100, 7));
    const { writer, reader } = open(4_096, (bytes) => {
      other.reader.read(); // as a listener of one session does that resumes another one
      expect(equalBytes(bytes, pattern(bytes.length, 1))).toBe(true);
      seen.push(bytes);
    });
    writer.write(pattern(300, 1));
    reader.read();
    writer.write(pattern(200, 1));
    reader.read();
    expect(seen.map(({ length }) => length)).toEqual([100, 300, 200]);
    expect(seen[0]!.buffer).not.toBe(seen[1]!.buffer);
    expect(seen[2]!.buffer).toBe(seen[1]!.buffer);
  });

  test("carries writes that are longer than the ring and longer than lent memory", async () => {
    const pieces: Bytes[] = [];
    const { writer, reader } = open(512 * 1024, (bytes) => pieces.push(bytes.slice()));
    const bytes = pattern(1_500_001);
    expect(writer.write(bytes.subarray(0, 10), bytes.subarray(10))).toBe(false);
    reader.start();
    await until(() => writer.isDrained && writer.bufferedBytes === 0);
    expect(Math.max(...pieces.map(({ length }) => length))).toBeGreaterThan(100_000);
    expect(equalBytes(join(pieces), bytes)).toBe(true);
  });

  test("leaves a turn to other tasks while bytes keep coming", async () => {
    const bytes = pattern(70_000);
    let turns = 0;
    let pieces = 0;
    const { writer, reader } = open(512 * 1024, () => {
      if (++pieces < 20_000 && turns < 3) writer.write(bytes); // there is always more
    });
    const timer = setInterval(() => turns++, 1);
    writer.write(bytes);
    reader.start();
    await until(() => turns >= 3);
    clearInterval(timer);
    expect(pieces).toBeLessThan(20_000);
  });

  test("lets what hangs on bytes go on while more of them are there", async () => {
    let microtasks = 0;
    const seen: number[] = [];
    const { writer, reader } = open(1024 * 1024, () => {
      seen.push(microtasks);
      queueMicrotask(() => microtasks++);
    });
    for (let i = 0; i < 6; i++) writer.write(pattern(70_000));
    reader.start();
    await until(() => seen.length === 6);
    expect(seen).toEqual([0, 1, 2, 3, 4, 5]);
  });

  test("reads on once after it was paused and resumed at once", async () => {
    let bytes = 0;
    const { writer, reader } = open(4_096, ({ length }) => {
      bytes += length;
    });
    reader.start();
    for (let i = 0; i < 3; i++) {
      reader.pause();
      reader.resume();
    }
    await until(() => true);
    reader.pause();
    writer.write(pattern(1_000));
    await new Promise((resolve) => setTimeout(resolve, 120)); // longer than a sleeper takes to look again
    expect(bytes).toBe(0);
    reader.resume();
    await until(() => bytes === 1_000);
  });
});
