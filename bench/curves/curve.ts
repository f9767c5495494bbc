import type { Bench, Figure, Plan } from "../harness.ts";
import { median } from "../statistics.ts";

/** How a cost goes with something that grows. */
export interface Curve {
  /** What `--only` asks for. */
  readonly id: string;
  /** The cost of one unit, such as `CPU time of a call`. */
  readonly name: string;
  readonly unit: "ns" | "bytes";
  /** What grows. */
  readonly xName: string;
  readonly xs: readonly number[];
  /** Those of a short run. */
  readonly quickXs: readonly number[];
  /** From the one to the other a unit should cost the same, however many there are. */
  readonly flat: readonly [from: number, to: number];
  /** Measure the cost of a unit, and check that the work was done. */
  measure(x: number): Promise<number>;
}

/** A cost may grow by this much over the range in which it should be flat. */
export const MOST_GROWTH = 2;

/** Rounds over all points: the least, and the most when a busy machine makes a curve look steep. */
const ROUNDS = { least: 5, most: 15 };
const QUICK_ROUNDS = { least: 2, most: 9 };

/**
 * How much a cost grows: the largest of its values as a multiple of any before it, within the range that should be flat.
 * Below 1 when it only falls.
 */
export function growth(
  xs: readonly number[],
  costs: readonly number[],
  [from, to]: readonly [number, number],
): number {
  let least = Number.POSITIVE_INFINITY;
  let most = 0;
  for (const [index, x] of xs.entries()) {
    if (x < from || x > to) continue;
    const cost = costs[index] as number;
    most = Math.max(most, cost / least);
    least = Math.min(least, cost);
  }
  return most;
}

/**
 * A curve as a bench whose figure is its growth. Each point of a time counts with the lowest of its rounds, because what
 * else the machine does can only add to it; each point of a memory with the median, because garbage that was late can
 * make it too small as well.
 */
export function curveBench(curve: Curve): Bench {
  return { id: curve.id, run: (plan) => measureCurve(curve, plan) };
}

async function measureCurve(curve: Curve, plan: Plan): Promise<Figure[]> {
  const { id, name, unit, xName, flat } = curve;
  const xs = plan.quick ? curve.quickXs : curve.xs;
  const rounds = plan.quick ? QUICK_ROUNDS : ROUNDS;
  const samples: number[][] = xs.map(() => []);
  const costs = () => samples.map((each) => (unit === "ns" ? Math.min(...each) : median(each)));
  for (const x of xs) await curve.measure(x); // compiles what they use
  for (let round = 0; round < rounds.most; round++) {
    if (round >= rounds.least && growth(xs, costs(), flat) <= MOST_GROWTH) break;
    for (const [index, x] of xs.entries()) {
      globalThis.gc?.();
      samples[index]!.push(await curve.measure(x));
    }
  }
  const judged = xs.filter((x) => x >= flat[0] && x <= flat[1]).map((x) => x.toLocaleString("en-US"));
  return [
    {
      id,
      name: `${name} by ${xName}, growth from ${judged[0]} to ${judged.at(-1)}`,
      unit: "times",
      better: "lower",
      samples: [growth(xs, costs(), flat)],
      target: { value: MOST_GROWTH },
      curve: { xName, unit, xs, costs: costs() },
    },
  ];
}
