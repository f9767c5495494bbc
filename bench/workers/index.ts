import { availableParallelism } from "node:os";
import {
  type Bench,
  check,
  elapsedMs,
  type Figure,
  interleave,
  type Plan,
  race,
  type Work,
  warmUp,
} from "../harness.ts";
import { installPeers } from "../peers/packages.ts";
import { type Contender, openBare, openComlink, openPiscina, openTideway } from "./contenders.ts";
import { compute } from "./contract.ts";
import { lightCalls } from "./light-calls.ts";

const IN_FLIGHT = 64;
/** About a millisecond of work. */
const ROUNDS = 400_000;
const OPENERS = [openTideway, openPiscina, openComlink, openBare];

async function withContenders<T>(
  workers: number,
  use: (all: readonly Contender[]) => Promise<T>,
): Promise<T> {
  installPeers();
  const all = await Promise.all(OPENERS.map((open) => open(workers)));
  try {
    return await use(all);
  } finally {
    await Promise.all(all.map((contender) => contender.close()));
  }
}

/** Keep `inFlight` tasks under way until `count` are done. */
async function runAll(count: number, inFlight: number, run: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < count) await run(next++);
  };
  await Promise.all(Array.from({ length: Math.min(inFlight, count) }, lane));
}

function adds({ add }: Contender, inFlight: number): Work {
  return (count) =>
    elapsedMs(() =>
      runAll(count, inFlight, async (index) => {
        const sum = await add([index, 1]);
        check(sum === index + 1, `${index} + 1 was ${sum}`);
      }),
    );
}

function computes({ compute: ask }: Contender, workers: number): Work {
  const answer = compute(ROUNDS);
  return (count) =>
    elapsedMs(() =>
      runAll(count, 2 * workers, async () => {
        check((await ask(ROUNDS)) === answer, "the computation went wrong");
      }),
    );
}

/** A figure of ours against each of the others. */
function against(
  subject: Omit<Figure, "samples" | "peer">,
  [ours, ...peers]: readonly Contender[],
  [samples, ...others]: readonly number[][],
): Figure[] {
  void ours;
  return peers.map(({ name, configuration }, index) => ({
    ...subject,
    samples: samples as number[],
    peer: { name, configuration, samples: others[index] as number[] },
  }));
}

const smallTasks = (workers: number): Bench => ({
  id: "W1",
  run: (plan) =>
    withContenders(workers, async (all) => {
      const samples = await race(plan, ...all.map((contender) => adds(contender, IN_FLIGHT)));
      const name = `tasks that add two numbers, ${IN_FLIGHT} in flight, ${workers} worker${workers > 1 ? "s" : ""}`;
      return against({ id: "W1", name, unit: "tasks/s", better: "higher" }, all, samples);
    }),
});

const roundTrip: Bench = {
  id: "W2",
  run: (plan: Plan) =>
    withContenders(1, async (all) => {
      const count = plan.quick ? 500 : 5_000;
      const works = all.map((contender) => async () => (await adds(contender, 1)(count)) / count);
      for (const contender of all) await warmUp(plan, adds(contender, 1));
      const samples = await interleave(plan.runs, ...works);
      const subject = {
        id: "W2",
        name: "way there and back of one task",
        unit: "us",
        better: "lower",
      } as const;
      return against(
        subject,
        all,
        samples.map((runs) => runs.map((ms) => ms * 1_000)),
      );
    }),
};

/** The same work by one worker, two, and so on, up to the processors there are. */
const scaling: readonly Bench[] = Array.from({ length: availableParallelism() }, (_, index) => ({
  id: "W3",
  run: (plan: Plan) =>
    withContenders(index + 1, async (all) => {
      const samples = await race(plan, ...all.map((contender) => computes(contender, index + 1)));
      const name = `tasks of ${ROUNDS} rounds of arithmetic, ${index + 1} worker${index > 0 ? "s" : ""}`;
      return against({ id: "W3", name, unit: "tasks/s", better: "higher" }, all, samples);
    }),
}));

/** The pool of workers against other ways to have work done in threads. */
export const WORKERS: readonly Bench[] = [smallTasks(1), smallTasks(2), roundTrip, ...scaling, lightCalls];
