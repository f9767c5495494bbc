import { spawn } from "node:child_process";
import { describe, expect, it } from "vitest";
import { type Curve, curveBench, growth, MOST_GROWTH } from "../../bench/curves/curve.ts";
import { CURVES } from "../../bench/curves/index.ts";
import { QUICK_PLAN } from "../../bench/harness.ts";
import type { Line } from "../../bench/report.ts";
import { ROOT } from "../../scripts/paths.mjs";

describe("growth()", () => {
  it("is the largest cost as a multiple of any before it", () => {
    expect(growth([1, 2, 3, 4], [10, 5, 20, 15], [1, 4])).toBe(4);
    expect(growth([1, 2, 3], [30, 20, 10], [1, 3])).toBeLessThan(1);
  });

  it("looks only at the range that should be flat", () => {
    expect(growth([1, 10, 100, 1_000], [1, 10, 10, 90], [10, 100])).toBe(1);
  });
});

describe("a curve", () => {
  const curve = (cost: (x: number) => number): Curve => ({
    id: "C0",
    name: "cost",
    unit: "ns",
    xName: "things",
    xs: [1, 10, 100, 1_000],
    quickXs: [1, 10, 100],
    flat: [1, 1_000],
    measure: async (x) => cost(x),
  });

  it("that is flat passes", async () => {
    const [figure] = await curveBench(curve(() => 7)).run(QUICK_PLAN);
    expect(figure).toMatchObject({ samples: [1], target: { value: MOST_GROWTH } });
    expect(figure?.curve).toEqual({ xName: "things", unit: "ns", xs: [1, 10, 100], costs: [7, 7, 7] });
  });

  it("that rises with the number of things is found", async () => {
    const [figure] = await curveBench(curve((x) => 1 + x / 50)).run(QUICK_PLAN);
    expect(figure?.samples[0]).toBeGreaterThan(MOST_GROWTH);
  });

  it("counts each point with its best round", async () => {
    let calls = 0;
    const noisy = curve(() => (calls++ % 4 === 0 ? 100 : 10));
    const [figure] = await curveBench(noisy).run(QUICK_PLAN);
    expect(figure?.samples[0]).toBe(1);
  });
});

describe("the cost of a unit", () => {
  it("stays within twice as much where it should be flat", { timeout: 240_000 }, async () => {
    const lines = await measureCurves();
    expect(lines.map(({ id }) => id)).toEqual(CURVES.map(({ id }) => id));
    expect(lines.filter(({ value }) => value > MOST_GROWTH)).toEqual([]);
  });
});

/** Run the short set in a process of its own, where garbage can be collected. */
function measureCurves(): Promise<Line[]> {
  return new Promise((resolve, reject) => {
    const command = ["scripts/run-ts.mjs", "--expose-gc", "bench/main.ts", "curves", "--quick", "--json"];
    const child = spawn(process.execPath, command, { cwd: ROOT, stdio: ["ignore", "pipe", "inherit"] });
    let out = "";
    child.stdout.on("data", (chunk) => {
      out += chunk;
    });
    child.on("error", reject);
    child.on("close", (status) => {
      if (status !== 0) reject(new Error(`the benches ended with ${status}`));
      else {
        const lines = out.split("\n").filter((line) => line !== "");
        resolve(lines.map((line) => JSON.parse(line) as Line));
      }
    });
  });
}
