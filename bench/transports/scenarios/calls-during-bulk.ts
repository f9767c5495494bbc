import { type Bench, type Figure, interleave, longRuns, type Plan } from "../../harness.ts";
import { percentile } from "../../statistics.ts";
import type { Carrier, SessionContender } from "../contender.ts";
import { withPair } from "../pairs.ts";

const BULK_MESSAGE_BYTES = 65_536;

/** P10: small calls, one after the other, while a bulk stream has the same connection. */
export const callsDuringBulk = (carrier: Carrier): Bench => ({
  id: "P10",
  run: (plan) =>
    withPair(plan, carrier, async ({ ours }) => [
      await measure(plan, ours, "an upload", true),
      await measure(plan, ours, "a download", false),
    ]),
});

async function measure(plan: Plan, ours: SessionContender, what: string, up: boolean): Promise<Figure> {
  // A quick run shares 96 MiB between all of its transfers.
  const transferMiB = plan.quick ? Math.ceil(96 / longRuns(plan)) : 1_024;
  const transfer = { up, bytes: BULK_MESSAGE_BYTES, count: (transferMiB * 2 ** 20) / BULK_MESSAGE_BYTES };
  const work = () => ours.callsDuring(transfer);
  if (!plan.quick) await work(); // the warm-up
  const [runs] = await interleave(longRuns(plan), work);
  return {
    id: "P10",
    name: `p99 of a 64 B call during ${what} of ${transferMiB.toLocaleString("en-US")} MiB`,
    unit: "ms",
    better: "lower",
    samples: runs!.map((times) => percentile(times, 0.99)),
    target: { value: 5 },
  };
}
