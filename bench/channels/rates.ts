import { availableParallelism } from "node:os";
import { MessageChannel } from "node:worker_threads";
import { type ChannelKind, createChannel } from "tideway/channels";
import { type Bench, check, type Figure, type Plan, race, type Work } from "../harness.ts";
import { cppRing } from "./cpp.ts";
import { Crew } from "./crew.ts";
import { BATCH, type Job, numbered, postedBatch, sumTo, type Way } from "./jobs.ts";

/** Most messages of a run: the sum of so many numbers is exact, and a faster channel has its time scaled. */
const MOST_MESSAGES = 100_000_000;

const SIZES = [16, 64, 1_024, 65_536];
const QUICK_SIZES = [16, 65_536];
const nameOf = (bytes: number): string => (bytes < 1_024 ? `${bytes} B` : `${bytes / 1_024} KiB`);
/** Slots of a ring: all rings fit into the caches of a processor, as far as that can be. */
const capacityOf = (bytes: number): number => Math.max(16, Math.min(65_536, 2_097_152 / bytes));

let channels = 0;

/** Sends `count` messages through a channel, from `senders` threads to `receivers` others. */
function channelWork(
  crew: Crew,
  kind: ChannelKind,
  bytes: number,
  way: Way,
  senders: number,
  receivers: number,
): Work {
  const format = numbered(bytes);
  const capacity = capacityOf(bytes);
  const memory = createChannel({ kind, format, capacity, senders, receivers });
  new Int32Array(memory)[9] = ++channels; // the threads know channels by it
  return async (wanted) => {
    const most = Math.max(senders, receivers);
    const count = Math.ceil(Math.min(wanted, MOST_MESSAGES) / most) * most;
    const jobs: Job[] = [
      ...Array.from(
        { length: senders },
        () => ({ kind: "send", to: memory, count: count / senders }) as const,
      ),
      ...Array.from(
        { length: receivers },
        () => ({ kind: "receive", from: memory, count: count / receivers }) as const,
      ),
    ].map((job) => ({ ...job, bytes, way }));
    const { reports, ms } = await crew.work(jobs);
    const sumOf = (from: number, to: number) =>
      reports.slice(from, to).reduce((sum, report) => sum + report.sum, 0);
    check(sumOf(0, senders) === senders * sumTo(count / senders), "senders sent something else");
    check(sumOf(senders, senders + receivers) === sumOf(0, senders), "receivers took something else");
    return ms * (wanted / count);
  };
}

/** Posts `count` messages from a thread to another one. */
function portWork(crew: Crew, bytes: number, way: Way, isTransfer: boolean): Work {
  return async (count) => {
    const { port1, port2 } = new MessageChannel();
    const common = { isTransfer, bytes, way, count };
    const { reports, ms } = await crew.work([
      { ...common, kind: "post", port: port1 },
      { ...common, kind: "take", port: port2 },
    ]);
    check(reports[0]?.sum === sumTo(count) && reports[1]?.sum === sumTo(count), "something else was posted");
    return ms;
  };
}

/** What a rate of `spsc` is compared with. */
function peersOf(crew: Crew, bytes: number, way: Way) {
  const cpp = cppRing(bytes, way === "lease" ? BATCH : 1, capacityOf(bytes));
  const batch = postedBatch(bytes, way);
  const how = batch === 1 ? "a post for each message" : `a post for ${batch} messages`;
  const port = (isTransfer: boolean) => portWork(crew, bytes, way, isTransfer);
  return [
    ...(cpp === undefined ? [] : [{ name: "C++", configuration: "g++ -O3, two threads", work: cpp }]),
    { name: "postMessage", configuration: `${how}, at most 256 not confirmed`, work: port(false) },
    { name: "transfer", configuration: `${how} with memory of its own, as many`, work: port(true) },
  ];
}

async function spscFigures(plan: Plan, crew: Crew): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const bytes of plan.quick ? QUICK_SIZES : SIZES) {
    for (const way of ["lease", "one"] as const) {
      const ours = channelWork(crew, "spsc", bytes, way, 1, 1);
      const peers = peersOf(crew, bytes, way);
      const [samples = [], ...others] = await race(plan, ours, ...peers.map(({ work }) => work));
      const subject = {
        id: "P11",
        name: `spsc, ${nameOf(bytes)}, ${way === "lease" ? "batched" : "one by one"}`,
        unit: "messages/s",
        better: "higher",
        samples,
      } as const;
      for (const [index, { name, configuration }] of peers.entries()) {
        const isMeasure = bytes === 16 && name === "C++";
        figures.push({
          ...subject,
          peer: { name, configuration, samples: others[index] ?? [] },
          ...(isMeasure ? { target: way === "lease" ? { value: 50e6, ratio: 0.35 } : { ratio: 0.35 } } : {}),
        });
      }
    }
  }
  return figures;
}

/** P11: one sender, one receiver, against the same ring in C++, `postMessage` and transfers. */
export const spscRates: Bench = {
  id: "P11",
  async run(plan) {
    const crew = await Crew.start(2);
    try {
      return await spscFigures(plan, crew);
    } finally {
      await crew.close();
    }
  },
};

/** P12: two senders, and one or two receivers. */
export const manyRates: Bench = {
  id: "P12",
  async run(plan) {
    const figures: Figure[] = [];
    const crew = await Crew.start(4);
    try {
      for (const [kind, receivers, value] of [
        ["mpsc", 1, 20e6],
        ["mpmc", 2, 10e6],
      ] as const) {
        for (const bytes of plan.quick ? QUICK_SIZES : SIZES) {
          for (const way of ["lease", "one"] as const) {
            const [samples] = await race(plan, channelWork(crew, kind, bytes, way, 2, receivers));
            figures.push({
              id: "P12",
              name: `${kind}, 2 to ${receivers}, ${nameOf(bytes)}, ${way === "lease" ? "batched" : "one by one"}`,
              unit: "messages/s",
              better: "higher",
              samples,
              ...(bytes === 16 && way === "lease" ? { target: { value } } : {}),
            });
          }
        }
      }
      return figures;
    } finally {
      await crew.close();
    }
  },
};

/** P12: as many senders as there are processors, from one on, to one receiver. */
export const scalingRates: Bench = {
  id: "P12",
  async run(plan) {
    const figures: Figure[] = [];
    const most = availableParallelism();
    const crew = await Crew.start(most + 1);
    try {
      for (let senders = 1; senders <= most; senders++) {
        const [samples] = await race(plan, channelWork(crew, "mpsc", 16, "lease", senders, 1));
        figures.push({
          id: "P12",
          name: `mpsc, 16 B, batched, ${senders} to 1 thread${most > 1 ? ` of ${most} processors` : ""}`,
          unit: "messages/s",
          better: "higher",
          samples,
        });
      }
      return figures;
    } finally {
      await crew.close();
    }
  },
};
