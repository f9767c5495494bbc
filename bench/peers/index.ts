import {
  type Bench,
  type Figure,
  interleave,
  type Peer,
  type Plan,
  type Target,
  type Work,
  warmUp,
} from "../harness.ts";
import { median } from "../statistics.ts";
import { type Latencies, MESSAGE_BYTES, type Payload } from "./contender.ts";
import { FLOORS } from "./contenders.ts";
import { type Runner, withField } from "./field.ts";

const IN_FLIGHT = 100;
const PAYLOAD_NAMES: Readonly<Record<Payload, string>> = {
  bytes: `${MESSAGE_BYTES} B`,
  record: "a record of 5 fields",
};

/** P6 against the field: unary calls, many in flight. */
const pipelinedCalls = (payload: Payload): Bench => ({
  id: "P6",
  run: (plan) =>
    withField(plan, async (field) => {
      const results = await rates(
        plan,
        field,
        ({ client }) =>
          (count) =>
            client.ask("call", { payload, count, inFlight: IN_FLIGHT }),
      );
      return toFigures(
        {
          id: "P6",
          name: `unary calls, ${PAYLOAD_NAMES[payload]}, ${IN_FLIGHT} in flight`,
          unit: "calls/s",
          better: "higher",
        },
        results,
        { ratio: 5 },
      );
    }),
});

/** P7 against the field: a unary call that is alone on its connection. */
const roundTrip: Bench = {
  id: "P7",
  run: (plan) =>
    withField(plan, async (field) => {
      const count = plan.quick ? 60 : 10_000;
      const works = field.map(
        ({ client }) =>
          () =>
            client.ask("latencies", { payload: "bytes", count }),
      );
      for (const work of works) await warmUp(plan, async () => ((await work()).p50 * count) / 1_000);
      const samples = await interleave(plan.runs, ...works);
      return (["p50", "p99"] as const).flatMap((share) =>
        toFigures(
          {
            id: "P7",
            name: `round trip of a ${MESSAGE_BYTES} B unary call, ${share}`,
            unit: "us",
            better: "lower",
          },
          field.map(({ name, configuration }, index) => ({
            name,
            configuration,
            samples: samples[index]!.map((run: Latencies) => run[share]),
          })),
        ),
      );
    }),
};

/** P4 against those of the field that can send without an answer to each message. */
const oneWay: Bench = {
  id: "P4",
  run: (plan) =>
    withField(plan, async (field) => {
      const able = field.filter(({ sendsOneWay }) => sendsOneWay);
      const results = await rates(
        plan,
        able,
        ({ client }) =>
          (count) =>
            client.ask("send", count),
      );
      return toFigures(
        { id: "P4", name: `${MESSAGE_BYTES} B messages one way`, unit: "messages/s", better: "higher" },
        results,
      );
    }),
};

/** Tideway side by side with what else there is, each in its best documented configuration. */
export const PEERS: readonly Bench[] = [pipelinedCalls("bytes"), pipelinedCalls("record"), roundTrip, oneWay];

/** Warm up all, then alternate. @returns operations a second, one sample a run. */
async function rates(
  plan: Plan,
  field: readonly Runner[],
  workOf: (runner: Runner) => Work,
): Promise<Peer[]> {
  const runs: (() => Promise<number>)[] = [];
  for (const runner of field) {
    const work = workOf(runner);
    const count = await warmUp(plan, work);
    runs.push(async () => (count / (await work(count))) * 1_000);
  }
  const samples = await interleave(plan.runs, ...runs);
  return field.map(({ name, configuration }, index) => ({ name, configuration, samples: samples[index]! }));
}

/** A figure for each peer; the target is to be better than the best of them, the floors aside. */
function toFigures(
  subject: Pick<Figure, "id" | "name" | "unit" | "better">,
  [ours, ...peers]: readonly Peer[],
  target?: Target,
): Figure[] {
  const sign = subject.better === "higher" ? 1 : -1;
  const rivals = peers.filter(({ name }) => !FLOORS.includes(name));
  const best = Math.max(...rivals.map(({ samples }) => sign * median(samples)));
  return peers.map((peer) => ({
    ...subject,
    samples: ours!.samples,
    peer,
    ...(target !== undefined && sign * median(peer.samples) === best && !FLOORS.includes(peer.name)
      ? { target }
      : {}),
  }));
}
