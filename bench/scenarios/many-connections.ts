import { type Bench, type Figure, interleave, longRuns, type Plan } from "../harness.ts";
import type { Load } from "./load.ts";
import { type Measured, type Stage, withStages } from "./stage.ts";

/**
 * P20 and S4: many connections to one server, each kind with processes of its own. First all of them send one message a
 * second, then one in a hundred sends ten.
 */
export const manyConnections: Bench = {
  id: "P20",
  run: (plan) =>
    withStages(2, async ([ours, bare]) => {
      const count = plan.quick ? 300 : 10_000;
      await ours!.open("tideway", count);
      await bare!.open("ws", count);
      const ms = plan.quick ? 300 : 5_000;
      const connections = count.toLocaleString("en-US");
      const all = await compare(plan, [ours!, bare!], { active: count, perSecond: 1, ms });
      const few = await compare(plan, [ours!, bare!], { active: count / 100, perSecond: 10, ms });
      return [
        ...busyFigures(`${connections} connections, 1 message a second each`, all),
        ...fewFigures(`${connections} connections, 1 % active, 10 messages a second each`, few),
      ];
    }),
};

type Both = readonly [ours: readonly Measured[], bare: readonly Measured[]];

async function compare(plan: Plan, stages: readonly Stage[], load: Load): Promise<Both> {
  const works = stages.map((stage) => () => stage.load(load));
  for (const work of works) await work();
  const [ours = [], bare = []] = await interleave(longRuns(plan), ...works);
  return [ours, bare];
}

function busyFigures(what: string, both: Both): Figure[] {
  const [ours, bare] = both;
  // What is no longer than that of `ws` adds nothing.
  const added = ours.map(({ p99 }, run) => Math.max(0, p99 - (bare[run] as Measured).p99));
  const common = { id: "P20", better: "lower" } as const;
  return [
    figureOf("P20", `${what}: p99 of a round trip`, "ms", both, ({ p99 }) => p99),
    { ...common, name: `${what}: added to the p99 of ws`, unit: "ms", samples: added, target: { value: 1 } },
    {
      ...figureOf("P20", `${what}: CPU of the server`, "cores", both, ({ cores }) => cores),
      target: { value: 1 },
    },
  ];
}

function fewFigures(what: string, both: Both): Figure[] {
  return [
    figureOf("S4", `${what}: p50 of a round trip`, "ms", both, ({ p50 }) => p50),
    figureOf("S4", `${what}: p99 of a round trip`, "ms", both, ({ p99 }) => p99),
    figureOf("S4", `${what}: CPU time of the server a round trip`, "us", both, ({ cpuUs }) => cpuUs),
  ];
}

function figureOf(
  id: string,
  name: string,
  unit: string,
  [ours, bare]: Both,
  pick: (measured: Measured) => number,
): Figure {
  return {
    id,
    name,
    unit,
    better: "lower",
    samples: ours.map(pick),
    peer: { name: "ws", samples: bare.map(pick) },
  };
}
