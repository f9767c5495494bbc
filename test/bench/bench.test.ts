import { describe, expect, it } from "vitest";
import { type Figure, interleave, QUICK_PLAN, race } from "../../bench/harness.ts";
import { checkTally, makeMessages, Tally } from "../../bench/messages.ts";
import { meetsTarget, toLine, toTable } from "../../bench/report.ts";
import { median, percentile, spread, timesBetter } from "../../bench/statistics.ts";

const LATENCY: Figure = {
  id: "P7",
  name: "round trip",
  unit: "us",
  better: "lower",
  samples: [50, 40, 60, 45, 55],
  peer: { name: "ws", samples: [100, 90, 110, 95, 105] },
  target: { ratio: 0.91 },
};

const THROUGHPUT: Figure = {
  id: "P4",
  name: "messages",
  unit: "messages/s",
  better: "higher",
  samples: [4e6, 4e6, 4e6, 4e6, 4e6],
  peer: { name: "ws", samples: [1e5, 1e5, 1e5, 1e5, 1e5] },
  target: { ratio: 20, value: 3e6 },
};

describe("median()", () => {
  it("takes the middle, whatever the order", () => {
    expect(median([9, 1, 5])).toBe(5);
    expect(median([10, 9, 100])).toBe(10); // as numbers, not as text
  });

  it("takes the mean of the two in the middle", () => {
    expect(median([4, 1, 3, 2])).toBe(2.5);
  });

  it("leaves the samples as they are, and refuses none", () => {
    const samples = [3, 1, 2];
    median(samples);
    expect(samples).toEqual([3, 1, 2]);
    expect(() => median([])).toThrow(RangeError);
  });
});

describe("percentile()", () => {
  const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);

  it("is the nearest rank", () => {
    expect(percentile(hundred, 0.5)).toBe(50);
    expect(percentile(hundred, 0.99)).toBe(99);
    expect(percentile(hundred, 1)).toBe(100);
    expect(percentile(hundred, 0)).toBe(1);
  });

  it("is the worst of a few for a high share", () => {
    expect(percentile([1, 2, 3], 0.99)).toBe(3);
  });
});

describe("spread()", () => {
  it("is the range of the middle half as a share of the median", () => {
    expect(spread([80, 90, 100, 110, 1_000])).toBeCloseTo(0.2);
    expect(spread([7])).toBe(0);
    expect(spread([0, 0, 0])).toBe(0);
  });
});

describe("timesBetter()", () => {
  it("is above 1 for a win, in both directions", () => {
    expect(timesBetter("higher", 300, 100)).toBe(3);
    expect(timesBetter("lower", 100, 300)).toBe(3);
    expect(timesBetter("higher", 50, 100)).toBe(0.5);
    expect(timesBetter("lower", 100, 50)).toBe(0.5);
  });
});

describe("toLine()", () => {
  it("gives the fields that programs read, and no others", () => {
    expect(toLine(LATENCY)).toEqual({
      id: "P7",
      name: "round trip",
      value: 50,
      unit: "us",
      peer: "ws",
      peerValue: 100,
      ratio: 2,
      target: ">= 0.91 x ws",
      runs: 5,
      spread: 0.2,
    });
  });

  it("names both parts of a target", () => {
    expect(toLine(THROUGHPUT)).toMatchObject({ ratio: 40, target: ">= 20 x ws, >= 3,000,000 messages/s" });
  });

  it("says null where there is no peer and no target", () => {
    const { peer: _peer, target: _target, ...alone } = LATENCY;
    expect(toLine(alone)).toMatchObject({ peer: null, peerValue: null, ratio: null, target: null });
  });

  it("fits one line of JSON", () => {
    const text = JSON.stringify(toLine(THROUGHPUT));
    expect(text).not.toContain("\n");
    expect(JSON.parse(text)).toEqual(toLine(THROUGHPUT));
  });
});

describe("meetsTarget()", () => {
  it("asks for every part of the target", () => {
    expect(meetsTarget(THROUGHPUT)).toBe(true);
    expect(meetsTarget({ ...THROUGHPUT, samples: [2.9e6] })).toBe(false);
    expect(meetsTarget({ ...THROUGHPUT, peer: { name: "ws", samples: [1e6] } })).toBe(false);
  });

  it("asks for at most the value where less is better", () => {
    const figure: Figure = {
      id: "P1",
      name: "",
      unit: "ns",
      better: "lower",
      samples: [12],
      target: { value: 12 },
    };
    expect(meetsTarget(figure)).toBe(true);
    expect(meetsTarget({ ...figure, samples: [12.1] })).toBe(false);
  });

  it("says nothing without a target", () => {
    const { target: _target, ...free } = LATENCY;
    expect(meetsTarget(free)).toBeUndefined();
  });
});

describe("toTable()", () => {
  it("has a verdict in each row", () => {
    const [, first, second] = toTable([LATENCY, { ...THROUGHPUT, samples: [1] }]).split("\n");
    expect(first).toMatch(/^P7 +round trip +50 us +20 % +ws 100 +2 x +>= 0\.91 x ws +ok$/);
    expect(second).toMatch(/BELOW$/);
  });
});

describe("race()", () => {
  it("alternates the runs after the warm-up, and gives operations a second", async () => {
    const order: string[] = [];
    const work = (name: string, perMs: number) => (count: number) => {
      order.push(name);
      return count / perMs;
    };
    const plan = { ...QUICK_PLAN, runs: 3, runMs: 1, warmUpMs: 0 };
    const [a, b] = await race(plan, work("a", 1_000), work("b", 10));
    expect(order.slice(-6)).toEqual(["a", "b", "a", "b", "a", "b"]);
    for (const sample of a) expect(sample).toBeCloseTo(1e6);
    for (const sample of b) expect(sample).toBeCloseTo(1e4);
  });

  it("fails with the work whose output is wrong", async () => {
    const wrong = () => Promise.reject(new Error("wrong"));
    await expect(interleave(2, wrong)).rejects.toThrow("wrong");
  });
});

describe("checkTally()", () => {
  const pool = makeMessages(64);
  const tallyOf = (indexes: readonly number[]): Tally => {
    const tally = new Tally();
    for (const index of indexes) tally.add(pool[index]!);
    return tally;
  };

  it("accepts the messages that were sent, in order", () => {
    expect(() => checkTally(tallyOf([0, 1, 2]), pool, 3)).not.toThrow();
  });

  it("finds a message that is missing, changed or out of order", () => {
    expect(() => checkTally(tallyOf([0, 1]), pool, 3)).toThrow("2 of 3 messages");
    expect(() => checkTally(tallyOf([0, 1, 3]), pool, 3)).toThrow("not those that were sent");
    expect(() => checkTally(tallyOf([0, 2, 1]), pool, 3)).toThrow("not those that were sent");
  });
});
