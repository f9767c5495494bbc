import { existsSync, rmSync } from "node:fs";
import { afterEach, describe, expect, it } from "vitest";
import { compareRuns, describeComparisons } from "../../bench/compare.ts";
import { loadRun, type SavedFigure, type SavedRun, saveRun } from "../../bench/saved.ts";
import { compareSamples, rankTest } from "../../bench/statistics.ts";

const FIGURE: SavedFigure = {
  group: "websocket",
  id: "P7",
  name: "round trip",
  unit: "us",
  better: "lower",
  samples: [100, 101, 102, 103, 104],
};

describe("rankTest()", () => {
  it("is the exact chance of the rank test", () => {
    expect(rankTest([1, 2, 3, 4, 5], [6, 7, 8, 9, 10])).toBeCloseTo(2 / 252);
    expect(rankTest([1, 2, 3], [4, 5, 6])).toBeCloseTo(2 / 20);
    expect(rankTest([1, 2, 3, 4, 6], [5, 7, 8, 9, 10])).toBeCloseTo(4 / 252);
    expect(rankTest([6, 7, 8, 9, 10], [1, 2, 3, 4, 5])).toBeCloseTo(2 / 252);
  });

  it("is 1 for sets that mix, and for equal ones", () => {
    expect(rankTest([1, 4, 5, 8], [2, 3, 6, 7])).toBe(1);
    expect(rankTest([5, 5, 5, 5, 5], [5, 5, 5, 5, 5])).toBe(1);
  });

  it("agrees with every order counted out", () => {
    const values = [1, 2, 3, 4, 5, 6, 7];
    const a = [1, 2, 5];
    const rest = values.filter((value) => !a.includes(value));
    const winsOf = (set: readonly number[], others: readonly number[]) =>
      set.reduce((sum, x) => sum + others.filter((y) => x > y).length, 0);
    const seen = Math.min(winsOf(a, rest), winsOf(rest, a));
    let all = 0;
    let asFar = 0;
    for (let mask = 0; mask < 128; mask++) {
      const set = values.filter((_, index) => mask & (1 << index));
      if (set.length !== 3) continue;
      const others = values.filter((value) => !set.includes(value));
      all++;
      if (Math.min(winsOf(set, others), winsOf(others, set)) <= seen) asFar++;
    }
    expect(rankTest(a, rest)).toBeCloseTo(asFar / all);
  });
});

describe("compareSamples()", () => {
  it("tells a gain from a loss, in both directions", () => {
    const low = [100, 101, 102, 103, 104];
    const high = [120, 121, 122, 123, 124];
    expect(compareSamples("higher", low, high).verdict).toBe("better");
    expect(compareSamples("higher", high, low).verdict).toBe("worse");
    expect(compareSamples("lower", low, high).verdict).toBe("worse");
    expect(compareSamples("lower", high, low).verdict).toBe("better");
    expect(compareSamples("lower", low, high).timesBetter).toBeCloseTo(102 / 122);
  });

  it("calls a change inside the noise the same", () => {
    expect(compareSamples("higher", [80, 95, 100, 120, 140], [90, 110, 115, 125, 150]).verdict).toBe("same");
  });

  it("calls a change of less than 3 % the same, however sure it is", () => {
    const { verdict, chance } = compareSamples(
      "higher",
      [100, 100.1, 100.2, 100.3, 100.4],
      [102, 102.1, 102.2, 102.3, 102.4],
    );
    expect(chance).toBeLessThan(0.01);
    expect(verdict).toBe("same");
  });

  it("finds hardly anything where nothing has changed", () => {
    let seed = 1;
    const random = () => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff;
      return seed / 0x7fffffff;
    };
    const draw = () => Array.from({ length: 7 }, () => 100 * Math.exp(random() - 0.5));
    let found = 0;
    for (let i = 0; i < 1_000; i++) if (compareSamples("higher", draw(), draw()).verdict !== "same") found++;
    expect(found).toBeGreaterThan(0);
    expect(found).toBeLessThan(60);
  });
});

describe("compareRuns()", () => {
  it("compares what is against a peer by the ratio: a machine of half the speed is no loss", () => {
    const before = { ...FIGURE, peer: { name: "ws", samples: [100, 101, 102, 103, 104] } };
    const slow = (samples: readonly number[]) => samples.map((value) => value * 2);
    const after = {
      ...before,
      samples: slow(before.samples),
      peer: { name: "ws", samples: slow(before.peer.samples) },
    };
    expect(compareRuns([before], [after])[0]!.change).toMatchObject({ verdict: "same", timesBetter: 1 });
    const alone = { ...FIGURE, samples: slow(FIGURE.samples) };
    expect(compareRuns([FIGURE], [alone])[0]!.change.verdict).toBe("worse");
  });

  it("compares only what both have, peer by peer", () => {
    const other = { ...FIGURE, name: "another" };
    const peer = { ...FIGURE, peer: { name: "ws", samples: FIGURE.samples } };
    expect(compareRuns([FIGURE, other], [FIGURE, peer])).toHaveLength(1);
    expect(compareRuns([FIGURE], [{ ...FIGURE, group: "tcp" }])).toEqual([]);
  });

  it("is described in one line each", () => {
    const after = { ...FIGURE, samples: [80, 81, 82, 83, 84] };
    expect(describeComparisons(compareRuns([FIGURE], [after]))).toBe(
      "better   +24.4 %  chance < 1 %  websocket P7 round trip",
    );
  });
});

describe("a run that is kept", () => {
  const name = `test-${process.pid}`;
  let path = "";
  afterEach(() => rmSync(path, { force: true }));

  it("is read as it was written", () => {
    const run: SavedRun = {
      date: "2026-11-21T00:00:00.000Z",
      runtime: "Node",
      versions: { ws: "8" },
      quick: true,
      figures: [FIGURE],
    };
    path = saveRun(name, run);
    expect(existsSync(path)).toBe(true);
    expect(loadRun(name)).toEqual(run);
  });

  it("is refused under a name that leaves its folder, or that does not exist", () => {
    expect(() => loadRun("../package")).toThrow(RangeError);
    expect(() => loadRun(".hidden")).toThrow(RangeError);
    expect(() => loadRun("never-saved")).toThrow("Cannot find run never-saved");
  });
});
