import { describe, expect, test } from "vitest";
import { DEFAULT_IDEMPOTENCY, type IdempotencyOptions, IdempotencyWindow } from "../index.ts";
import { VirtualClock } from "../testing/clock.ts";
import type { CallError } from "./errors.ts";
import type { KeyedRun, Outcome } from "./keyed-run.ts";

const CALL_MS = 1_000;

function answer(length: number): Outcome {
  return { kind: "answer", answer: new Uint8Array(length) };
}

function reason(code: string): CallError {
  return { code } as CallError;
}

/** A window with callers that have no session. */
class Bench {
  readonly clock = new VirtualClock();
  readonly window: IdempotencyWindow;
  /** Reasons for which handlers were aborted. */
  readonly aborted: string[] = [];

  constructor(options: Partial<IdempotencyOptions> = {}) {
    this.window = new IdempotencyWindow(options);
  }

  enter(id: string, request = "request") {
    const abort = (error: CallError) => this.aborted.push(error.code);
    return this.window.enter(id, request, { clock: this.clock, callMs: CALL_MS, abort });
  }

  begin(id: string, request?: string): KeyedRun {
    const found = this.enter(id, request);
    if (found.kind !== "run") throw new Error(`Expected a run, got ${found.kind}`);
    return found.run;
  }

  keep(id: string, length = 10): void {
    this.begin(id).settle(answer(length), true);
  }
}

describe("IdempotencyWindow", () => {
  test("has the documented bounds", () => {
    expect(new IdempotencyWindow().options).toEqual(DEFAULT_IDEMPOTENCY);
    expect(DEFAULT_IDEMPOTENCY).toMatchObject({ keepMs: 600_000, maxEntries: 10_000, maxBytes: 16_777_216 });
  });

  test.each([{ keepMs: 0 }, { maxEntries: -1 }, { maxBytes: Number.NaN }])(
    "refuses the bounds %j",
    (options) => {
      expect(() => new IdempotencyWindow(options)).toThrow(RangeError);
    },
  );

  test("gives a repeat the same outcome", () => {
    const bench = new Bench();
    const outcome = answer(10);
    bench.begin("a").settle(outcome, true);
    expect(bench.enter("a")).toEqual({ kind: "replay", outcome });
    expect(bench.enter("a")).toEqual({ kind: "replay", outcome });
    expect(bench.enter("b").kind).toBe("run");
    expect(bench.window.counters).toMatchObject({ stored: 1, replayed: 2, joined: 0, conflicts: 0 });
  });

  test("does not keep what is not to be kept", () => {
    const bench = new Bench();
    bench.begin("a").settle({ kind: "failure", failure: { code: "ERR_OVERLOADED" } }, false);
    expect([bench.window.size, bench.window.counters.stored]).toEqual([0, 0]);
    expect(bench.enter("a").kind).toBe("run");
  });

  test("lets repeats join a run, and tells all of them its outcome", async () => {
    const bench = new Bench();
    const run = bench.begin("a");
    const outcome = answer(1);
    const joined = [1, 2].map(() => {
      const found = bench.enter("a");
      if (found.kind !== "join") throw new Error(`Expected to join, got ${found.kind}`);
      return found.run.join();
    });
    run.settle(outcome, true);
    expect(await Promise.all(joined)).toEqual([outcome, outcome]);
    expect(bench.window.counters.joined).toBe(2);
  });

  test("refuses another request with the same key, while the first runs and afterwards", () => {
    const bench = new Bench();
    const run = bench.begin("a", "one");
    expect(bench.enter("a", "two")).toEqual({ kind: "conflict" });
    run.settle(answer(1), true);
    expect(bench.enter("a", "two")).toEqual({ kind: "conflict" });
    expect(bench.enter("a", "one").kind).toBe("replay");
    expect(bench.window.counters.conflicts).toBe(2);
  });

  test("forgets outcomes after keepMs, each in its time", () => {
    const bench = new Bench({ keepMs: 1_000 });
    bench.keep("a");
    bench.clock.advanceTo(600);
    bench.keep("b");
    bench.clock.advanceTo(999);
    expect(bench.enter("a").kind).toBe("replay");
    bench.clock.advanceTo(1_000);
    expect(bench.enter("a").kind).toBe("run");
    expect(bench.enter("b").kind).toBe("replay");
    bench.clock.advanceTo(1_600);
    expect(bench.enter("b").kind).toBe("run");
    expect(bench.window.counters.expired).toBe(2);
    expect(bench.window.bytes).toBe(0);
  });

  test("counts keepMs from the end of the run", () => {
    const bench = new Bench({ keepMs: 1_000 });
    const run = bench.begin("a");
    bench.clock.advanceTo(5_000);
    run.settle(answer(1), true);
    bench.clock.advanceTo(5_999);
    expect(bench.enter("a").kind).toBe("replay");
  });

  test("drops the oldest outcomes beyond maxEntries, and no run", () => {
    const bench = new Bench({ maxEntries: 3 });
    const run = bench.begin("run");
    for (const id of ["a", "b", "c"]) bench.keep(id);
    expect([bench.window.size, bench.window.counters.evicted]).toEqual([3, 1]);
    expect(bench.enter("b").kind).toBe("replay");
    expect(bench.enter("run").kind).toBe("join");
    expect(bench.enter("a").kind).toBe("run");
    run.settle(answer(1), true);
    expect(bench.window.size).toBe(3);
  });

  test("refuses a call when as many run as may be known", () => {
    const bench = new Bench({ maxEntries: 2 });
    const run = bench.begin("a");
    bench.begin("b");
    expect(bench.enter("c")).toEqual({ kind: "full" });
    expect(bench.enter("b").kind).toBe("join");
    run.giveUp();
    expect(bench.enter("c").kind).toBe("run");
  });

  test("drops the oldest outcomes beyond maxBytes", () => {
    const bench = new Bench({ maxBytes: 100 });
    for (const id of ["a", "b", "c"]) bench.keep(id, 30);
    expect(bench.window.bytes).toBe(93);
    bench.keep("d", 30);
    expect([bench.window.bytes, bench.window.size, bench.window.counters.evicted]).toEqual([93, 3, 1]);
    expect(bench.enter("b").kind).toBe("replay");
    bench.keep("e", 99);
    expect([bench.window.bytes, bench.window.size, bench.window.counters.evicted]).toEqual([100, 1, 4]);
    bench.keep("f", 100);
    expect([bench.window.bytes, bench.window.size, bench.window.counters.evicted]).toEqual([100, 1, 5]);
    expect(bench.enter("e").kind).toBe("replay");
  });

  test("counts the bytes of failures too", () => {
    const bench = new Bench();
    const details = new Uint8Array(7);
    const failure = { code: "ERR_APPLICATION", name: "FULL", message: "full", details } as const;
    bench.begin("a").settle({ kind: "failure", failure }, true);
    expect(bench.window.bytes).toBe(1 + 4 + 4 + 7);
  });
});

describe("a run", () => {
  test("is aborted when its last caller leaves, for the reason of that one", () => {
    const bench = new Bench();
    const run = bench.begin("a");
    void run.join();
    run.leave(reason("ERR_DEADLINE"), 0);
    expect(bench.aborted).toEqual([]);
    run.leave(reason("ERR_CANCELLED"), 0);
    expect(bench.aborted).toEqual(["ERR_CANCELLED"]);
  });

  test("that lost its callers waits for another one, and then for its own end", () => {
    const bench = new Bench();
    const run = bench.begin("a");
    run.leave(reason("ERR_CONNECTION_LOST"), 500);
    bench.clock.advanceTo(499);
    expect(bench.aborted).toEqual([]);
    void run.join();
    bench.clock.advanceTo(5_000);
    expect(bench.aborted).toEqual([]);
    run.leave(reason("ERR_CONNECTION_LOST"), 500);
    bench.clock.advanceTo(5_500);
    expect(bench.aborted).toEqual(["ERR_DEADLINE"]);
    expect(bench.window.size).toBe(1);
    bench.clock.advanceTo(5_500 + CALL_MS);
    expect([bench.window.size, bench.clock.waiting]).toEqual([0, 0]);
  });

  test("that was aborted and answers all the same is kept", async () => {
    const bench = new Bench();
    const run = bench.begin("a");
    run.leave(reason("ERR_CANCELLED"), 0);
    const joined = run.join();
    const outcome = answer(1);
    run.settle(outcome, true);
    expect(await joined).toBe(outcome);
    expect(bench.enter("a").kind).toBe("replay");
    expect(bench.clock.waiting).toBe(0);
  });

  test("that was aborted and fails tells who joined it since to ask again", async () => {
    const bench = new Bench();
    const run = bench.begin("a");
    run.leave(reason("ERR_CANCELLED"), 0);
    const joined = run.join();
    run.settle({ kind: "failure", failure: { code: "ERR_CANCELLED" } }, false);
    expect(await joined).toBeUndefined();
  });

  test("settles once", () => {
    const bench = new Bench();
    const run = bench.begin("a");
    run.settle(answer(1), true);
    run.settle(answer(2), true);
    run.giveUp();
    run.leave(reason("ERR_CANCELLED"), 0);
    expect([bench.window.counters.stored, bench.aborted.length, bench.window.bytes]).toEqual([1, 0, 2]);
  });
});
