import { type ChannelKind, createChannel } from "tideway/channels";
import { type Bench, check, type Figure, type Plan, race, type Work } from "../harness.ts";
import { cppRing } from "./cpp.ts";
import { Crew } from "./crew.ts";
import { BATCH, type Job, numbered, sumTo, type Way } from "./jobs.ts";

const SIZES = [16, 64, 1_024, 65_536];
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
    const count = Math.ceil(wanted / most) * most;
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

async function spscFigures(plan: Plan, crew: Crew): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const bytes of SIZES) {
    for (const way of ["lease", "one"] as const) {
      const ours = channelWork(crew, "spsc", bytes, way, 1, 1);
      const theirs = cppRing(bytes, way === "lease" ? BATCH : 1, capacityOf(bytes));
      const [samples, peer] = theirs === undefined ? await race(plan, ours) : await race(plan, ours, theirs);
      const isMeasure = bytes === 16;
      figures.push({
        id: "P11",
        name: `spsc, ${nameOf(bytes)}, ${way === "lease" ? "batched" : "one by one"}`,
        unit: "messages/s",
        better: "higher",
        samples: samples as number[],
        ...(peer === undefined ? {} : { peer: { name: "C++", samples: peer } }),
        ...(isMeasure ? { target: way === "lease" ? { value: 50e6, ratio: 0.35 } : { ratio: 0.35 } } : {}),
      });
    }
  }
  return figures;
}

/** P11: one sender, one receiver, against the same ring in C++. */
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
        for (const bytes of SIZES) {
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
