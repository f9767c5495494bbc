import { type Figure, type Plan, race } from "../harness.ts";

/** What is measured: it runs once a call, and both ways have been checked to do the same. */
export type Way = () => unknown;

/** Short runs, many of them: each way takes nanoseconds to microseconds. */
export function shortPlan({ quick, runs }: Plan): Plan {
  return { quick, runs, runMs: quick ? 15 : 60, warmUpMs: quick ? 40 : 200 };
}

/**
 * What the runtime has itself, beside what every runtime has.
 * @param name - what both do, and by what the native one does it
 * @param portable - the name of the other way, and the way
 */
export async function twins(
  plan: Plan,
  name: string,
  native: Way,
  portable: readonly [name: string, way: Way],
): Promise<Figure> {
  const work = (way: Way) => async (count: number) => {
    const start = performance.now();
    for (let i = 0; i < count; i++) {
      const result = way();
      if (result instanceof Promise) await result;
    }
    return performance.now() - start;
  };
  const [ours, theirs] = await race(shortPlan(plan), work(native), work(portable[1]));
  const nanoseconds = (rates: readonly number[]) => rates.map((rate) => 1e9 / rate);
  return {
    id: "native",
    name,
    unit: "ns",
    better: "lower",
    samples: nanoseconds(ours),
    peer: { name: portable[0], samples: nanoseconds(theirs) },
  };
}
