import { type Bench, elapsedMs, interleave, type Target, warmUp } from "../../harness.ts";
import { percentile } from "../../statistics.ts";
import type { Carrier } from "../contender.ts";
import { withPair } from "../pairs.ts";

/** P7: the round trip of one unary call, alone on its connection, against an echo. */
export const roundTrip = (carrier: Carrier, target?: Target): Bench => ({
  id: "P7",
  async run(plan) {
    const load = { bytes: 64, count: plan.quick ? 1_000 : 10_000 };
    return withPair(plan, carrier, async ({ ours, bare }) => {
      const works = [() => ours.roundTrips(load), () => bare.roundTrips(load)];
      for (const work of works) await warmUp(plan, () => elapsedMs(work));
      const [times, bareTimes] = await interleave(plan.runs, ...works);
      const at = (share: number, runs: readonly (readonly number[])[]) =>
        runs.map((each) => percentile(each, share) * 1_000);
      return [0.5, 0.99].map((share) => ({
        id: "P7",
        name: `round trip of a 64 B unary call, p${share * 100}`,
        unit: "us",
        better: "lower",
        samples: at(share, times!),
        peer: { name: `${bare.name} echo`, samples: at(share, bareTimes!) },
        ...(target === undefined ? {} : { target }),
      }));
    });
  },
});
