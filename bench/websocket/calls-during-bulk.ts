import type { Bytes } from "tideway";
import { checkEcho } from "../calls.ts";
import { type Bench, check, type Figure, interleave, LONG_RUNS, type Plan } from "../harness.ts";
import { makeMessages } from "../messages.ts";
import { percentile } from "../statistics.ts";
import { type Pair, withPair } from "./pair.ts";
import { receiveMessages, sendMessages } from "./streams.ts";

const BULK_MESSAGE_BYTES = 65_536;

/** Calls below which the worst of them says nothing of the others. */
const LEAST_CALLS = 10;

/** P10: small calls, one after the other, while a bulk stream has the same connection. */
export const callsDuringBulk: Bench = {
  id: "P10",
  run: (plan) =>
    withPair(async (pair) => [
      await measure(plan, pair, "an upload", sendMessages),
      await measure(plan, pair, "a download", receiveMessages),
    ]),
};

async function measure(plan: Plan, pair: Pair, what: string, transfer: typeof sendMessages): Promise<Figure> {
  // A quick run shares 256 MiB between all of its transfers.
  const transferMiB = plan.quick ? Math.ceil(256 / LONG_RUNS) : 1_024;
  const bulk = makeMessages(BULK_MESSAGE_BYTES);
  const small = makeMessages(64);
  const work = () =>
    callDuring(pair, small, () => transfer(pair.session, bulk, (transferMiB * 2 ** 20) / BULK_MESSAGE_BYTES));
  if (!plan.quick) await work(); // the warm-up
  const [runs] = await interleave(LONG_RUNS, work);
  return {
    id: "P10",
    name: `p99 of a 64 B call during ${what} of ${transferMiB.toLocaleString("en-US")} MiB`,
    unit: "ms",
    better: "lower",
    samples: runs!.map((latencies) => percentile(latencies, 0.99)),
    target: { value: 5 },
  };
}

/** Make calls until `transfer` is over. @returns the latency of each, ms. */
async function callDuring(
  { calls }: Pair,
  pool: readonly Bytes[],
  transfer: () => Promise<unknown>,
): Promise<number[]> {
  let over = false;
  const transferred = transfer().finally(() => {
    over = true;
  });
  const latencies: number[] = [];
  while (!over) {
    const message = pool[latencies.length % pool.length]!;
    const start = performance.now();
    const answer = await calls.echo(message);
    latencies.push(performance.now() - start);
    checkEcho(answer, message);
  }
  await transferred;
  check(latencies.length >= LEAST_CALLS, `only ${latencies.length} calls were made during the transfer`);
  return latencies;
}
