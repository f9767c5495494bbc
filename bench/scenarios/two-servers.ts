import { type Bench, interleave } from "../harness.ts";
import type { Load } from "./load.ts";
import type { Kind } from "./server.ts";
import { type Stage, withStages } from "./stage.ts";

const CONNECTIONS = 100;
const PER_SECOND = 40;

/**
 * P19: what two server processes carry, as a multiple of one. Both at a time get the load that one gets alone, from a
 * client process each. With fewer processors than processes the rates say nothing of that, so what counts is the CPU
 * time of a round trip: where two cost no more for it than one, each fills a processor with as many.
 */
export const twoServers: Bench = {
  id: "P19",
  run: (plan) =>
    withStages(4, async ([first, second, bareFirst, bareSecond]) => {
      const load = { active: CONNECTIONS, perSecond: PER_SECOND, ms: plan.quick ? 120 : 2_000 };
      const works = [
        await capacity("tideway", [first!, second!], load),
        await capacity("ws", [bareFirst!, bareSecond!], load),
      ];
      for (const work of works) await work();
      const [ours, bare] = await interleave(plan.runs, ...works);
      return [
        {
          id: "P19",
          name: "capacity of two server processes against one, by their CPU time of a round trip",
          unit: "times",
          better: "higher",
          samples: ours!,
          peer: { name: "ws", samples: bare! },
          target: { value: 1.9 },
        },
      ];
    }),
};

/** @returns measures how many times as much two of a kind carry. */
async function capacity(
  kind: Kind,
  stages: readonly [Stage, Stage],
  load: Load,
): Promise<() => Promise<number>> {
  for (const stage of stages) await stage.open(kind, CONNECTIONS);
  const [first, second] = stages;
  return async () => {
    const alone = [await first.load(load), await second.load(load)];
    const together = await Promise.all([first.load(load), second.load(load)]);
    const cpuUs = (all: readonly { readonly cpuUs: number }[]) =>
      all.reduce((sum, each) => sum + each.cpuUs, 0);
    return 2 * (cpuUs(alone) / cpuUs(together));
  };
}
