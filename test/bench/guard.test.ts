import { describe, expect, it } from "vitest";
import { FLOORS, type Floor } from "../../bench/guard/floors.ts";
import { describeOutcome, guard, type Outcome } from "../../bench/guard/judge.ts";
import type { Figure } from "../../bench/harness.ts";
import { GROUPS } from "../../bench/registry.ts";

const FLOOR: Floor = { group: "tcp", id: "P7", of: "p50", ratio: 0.5 };
const figure = (name: string, value: number): Figure => ({
  id: "P7",
  name,
  unit: "us",
  better: "lower",
  samples: [value],
  peer: { name: "net", samples: [50] },
});

/** Guard one floor with the values of its figure, run by run. */
async function guardWith(
  ...values: readonly number[]
): Promise<{ outcomes: readonly Outcome[]; text: string }> {
  const told: string[] = [];
  const left = [...values];
  const outcomes = await guard(
    [FLOOR],
    async () => [figure("p50", left.shift() ?? Number.NaN), figure("p99", 10_000)],
    (outcome) => told.push(describeOutcome(outcome)),
  );
  return { outcomes, text: told.join("\n") };
}

describe("the guard", () => {
  it("passes what is at its floor, and looks only at the figures that are meant", async () => {
    const { outcomes, text } = await guardWith(100);
    expect(outcomes).toMatchObject([{ problem: undefined, attempts: 1, figures: [{ name: "p50" }] }]);
    expect(text).toBe("tcp P7           p50: 100 us, net 50: 0.5 x, floor 0.5 x");
  });

  it("measures again what is below, and forgives it once", async () => {
    const { outcomes, text } = await guardWith(101, 99);
    expect(outcomes).toMatchObject([{ problem: undefined, attempts: 2 }]);
    expect(text).toContain("once more, because p50: 0.495 x is below 0.5 x");
  });

  it("fails what is below twice", async () => {
    const { outcomes, text } = await guardWith(101, 200);
    expect(outcomes).toMatchObject([{ problem: "p50: 0.25 x is below 0.5 x", attempts: 2 }]);
    expect(text).toContain("BROKEN TWICE");
  });

  it("fails what is no number, what is not there and what throws", async () => {
    expect((await guardWith(Number.NaN, Number.NaN)).outcomes[0]?.problem).toContain("below");
    const none = await guard(
      [FLOOR],
      async () => [],
      () => {},
    );
    expect(none[0]).toMatchObject({ problem: "there is no such figure", attempts: 2 });
    const wrong = await guard(
      [FLOOR],
      () => Promise.reject(new Error("wrong output")),
      () => {},
    );
    expect(wrong[0]?.problem).toContain("wrong output");
  });

  it("has a bench for each floor", () => {
    for (const { group, id } of FLOORS) expect(GROUPS[group]?.map((bench) => bench.id)).toContain(id);
  });
});
