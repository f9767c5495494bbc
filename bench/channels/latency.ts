import { Worker } from "node:worker_threads";
import { createChannel } from "tideway/channels";
import { type Bench, check, type Figure, interleave } from "../harness.ts";
import { installPeers } from "../peers/packages.ts";
import { median } from "../statistics.ts";
import { type Contender, openComlink, openPiscina } from "../workers/contenders.ts";
import { Crew } from "./crew.ts";
import { type Job, numbered } from "./jobs.ts";

/** Round trips of a run. */
const ROUNDS = 2_000;
const QUICK_ROUNDS = 300;
const BYTES = 64;
let channels = 1_000_000;

/** Round trips between two threads over two channels. @returns the median, us. */
function pingPong(crew: Crew, count: number, how: Pick<Job, "spins" | "isAsync">): () => Promise<number> {
  const [there, back] = [1, 2].map(() => {
    const memory = createChannel({ format: numbered(BYTES), capacity: 64 });
    new Int32Array(memory)[9] = ++channels;
    return memory;
  }) as [SharedArrayBuffer, SharedArrayBuffer];
  return async () => {
    const common = { bytes: BYTES, way: "one", count, ...how } as const;
    const { reports } = await crew.work([
      { ...common, kind: "ping", to: there, from: back },
      { ...common, kind: "pong", to: back, from: there },
    ]);
    return median(reports[0]?.times ?? []) / 1_000;
  };
}

/** Round trips with `postMessage`, a copy each way. */
function postMessages(count: number): { readonly run: () => Promise<number>; close(): Promise<number> } {
  const worker = new Worker(
    `const { parentPort } = require("node:worker_threads");
    parentPort.on("message", (message) => parentPort.postMessage(message));`,
    { eval: true },
  );
  const message = new Uint8Array(BYTES);
  const run = async () => {
    const times: number[] = [];
    for (let i = 0; i < count; i++) {
      const start = process.hrtime.bigint();
      await new Promise((resolve) => {
        worker.once("message", resolve);
        worker.postMessage(message);
      });
      times.push(Number(process.hrtime.bigint() - start));
    }
    return median(times) / 1_000;
  };
  return { run, close: () => worker.terminate() };
}

/** Round trips of calls with two numbers, one at a time. @returns the median, us. */
async function callTimes({ add }: Contender, count: number): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < count; i++) {
    const start = process.hrtime.bigint();
    check((await add([i, 1])) === i + 1, "the sum is wrong");
    times.push(Number(process.hrtime.bigint() - start));
  }
  return median(times) / 1_000;
}

/** P11: round trips of 64 B over two channels, against `postMessage` and libraries on top of it. */
export const latencies: Bench = {
  id: "P11",
  async run(plan) {
    const crew = await Crew.start(2);
    const count = plan.quick ? QUICK_ROUNDS : ROUNDS;
    const port = postMessages(count);
    installPeers();
    const [comlink, piscina] = await Promise.all([openComlink(1), openPiscina(1)]);
    try {
      const [spinning = [], blocking = [], isAsync = [], ...others] = await interleave(
        plan.runs,
        pingPong(crew, count, { spins: Number.POSITIVE_INFINITY }),
        pingPong(crew, count, { spins: 0 }),
        pingPong(crew, count, { isAsync: true }),
        port.run,
        () => callTimes(comlink, count),
        () => callTimes(piscina, count),
      );
      const peers = ["postMessage", comlink.name, piscina.name];
      const ways = { spinning, "blocking, sleeps each time": blocking, async: isAsync };
      return Object.entries(ways).flatMap(([way, samples]) =>
        peers.map(
          (name, index): Figure => ({
            id: "P11",
            name: `64 B round trip between threads, ${way}`,
            unit: "us",
            better: "lower",
            samples,
            peer: { name, samples: others[index] ?? [] },
          }),
        ),
      );
    } finally {
      await Promise.all([crew.close(), port.close(), comlink.close(), piscina.close()]);
    }
  },
};
