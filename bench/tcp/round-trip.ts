import type { Bytes } from "tideway";
import { checkEcho } from "../calls.ts";
import { type Bench, elapsedMs, interleave, warmUp } from "../harness.ts";
import { makeMessages } from "../messages.ts";
import { percentile } from "../statistics.ts";
import { echoBare } from "./bare-net.ts";
import { type Pair, withPair } from "./pair.ts";
import type { Kind } from "./server.ts";

/** A ratio of 0.91 is 1.10 times the latency of the peer. */
const LATENCY_TARGET = { ratio: 0.91 };

/** P7: the round trip of one unary call, alone on its connection. */
export const roundTrip = (kind: Kind): Bench => ({
  id: "P7",
  async run(plan) {
    const pool = makeMessages(64);
    const count = plan.quick ? 1_000 : 10_000;
    const [ours, bare] = await withPair(kind, async (pair) => {
      const works = [() => callOneByOne(pair, pool, count), () => echoOneByOne(pair, pool, count)];
      for (const work of works) await warmUp(plan, () => elapsedMs(work));
      return interleave(plan.runs, ...works);
    });
    const at = (share: number, runs: readonly Float64Array[]) =>
      runs.map((latencies) => percentile(latencies, share) * 1_000);
    return [0.5, 0.99].map((share) => ({
      id: "P7",
      name: `round trip of a 64 B unary call over ${kind}, p${share * 100}`,
      unit: "us",
      better: "lower",
      samples: at(share, ours!),
      peer: { name: "net echo", samples: at(share, bare!) },
      target: LATENCY_TARGET,
    }));
  },
});

/** @returns the latency of each call, ms. */
async function callOneByOne({ calls }: Pair, pool: readonly Bytes[], count: number): Promise<Float64Array> {
  const latencies = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    const message = pool[i % pool.length]!;
    const start = performance.now();
    const answer = await calls.echo(message);
    latencies[i] = performance.now() - start;
    checkEcho(answer, message);
  }
  return latencies;
}

async function echoOneByOne({ socket }: Pair, pool: readonly Bytes[], count: number): Promise<Float64Array> {
  const latencies = new Float64Array(count);
  let at = 0;
  await echoBare(socket, pool, count, (ms) => {
    latencies[at++] = ms;
  });
  return latencies;
}
