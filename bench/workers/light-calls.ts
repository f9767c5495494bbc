import { availableParallelism } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { client, contract, implement, type, unary } from "tideway";
import { connect, serve } from "tideway/node";
import { type Bench, check, type Figure, interleave } from "../harness.ts";
import { percentile } from "../statistics.ts";
import { program } from "./contenders.ts";
import { TASKS } from "./contract.ts";

const LIGHT = contract({ ping: unary({ input: type<number>(), output: type<number>() }) });
/** A task of some 100 ms. */
const ROUNDS = 40_000_000;

/** 99th percentile of light calls, one each millisecond, ms. */
async function p99(ping: (number: number) => Promise<number>, count: number): Promise<number> {
  const times: number[] = [];
  for (let number = 0; number < count; number++) {
    const start = performance.now();
    check((await ping(number)) === number, "a light call was answered wrong");
    times.push(performance.now() - start);
    await sleep(1);
  }
  return percentile(times, 0.99);
}

/** Calls that need no worker, over TCP to a server in this thread, while each of its workers computes. */
export const lightCalls: Bench = {
  id: "W4",
  async run(plan) {
    const workers = Math.max(1, availableParallelism() - 1); // this thread has a processor, too
    const count = plan.quick ? 200 : 1_000;
    const script = await program("tideway");
    const server = await serve({
      listen: ["tcp://127.0.0.1:0"],
      services: [implement(LIGHT, { ping: (number) => number })],
      workers: { script, api: TASKS, workers, batch: 1, key: () => undefined },
    });
    const session = await connect(server.urls[0] ?? "");
    try {
      const { ping } = client(session, LIGHT);
      const { compute } = client(session, TASKS);
      await p99(ping, 200);
      const busy = async (): Promise<number> => {
        let isOver = false;
        const lane = async () => {
          while (!isOver) await compute(ROUNDS);
        };
        const lanes = Promise.all(Array.from({ length: 2 * workers }, lane)); // one runs, the next one waits
        while ((server.workers?.stats().running ?? 0) < workers) await sleep(1);
        const figure = await p99(ping, count);
        isOver = true;
        await lanes;
        return figure;
      };
      const [samples = [], idle = []] = await interleave(plan.runs, busy, () => p99(ping, count));
      const figure: Figure = {
        id: "W4",
        name: `p99 of a light call while ${workers} of ${workers} workers compute`,
        unit: "ms",
        better: "lower",
        samples,
        peer: { name: "workers idle", samples: idle },
        target: { ratio: 0.5 },
      };
      return [figure];
    } finally {
      await session.close();
      await server.close({ drainMs: 0 });
    }
  },
};
