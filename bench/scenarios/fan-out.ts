import { type Bench, check, type Figure, interleave, type Plan } from "../harness.ts";
import { disperse, gather, pause, type Site, withSite } from "./audience.ts";
import type { Kind } from "./server.ts";

const BYTES = 64;
/** Messages that arrive in a run, over all listeners. */
const DELIVERIES = 50_000;
const WAIT_MS = 60_000;

/** S2: what the server sends goes to everybody. */
export const fanOut: Bench = {
  id: "S2",
  run: (plan) =>
    withSite(async (site) => {
      const figures: Figure[] = [];
      for (const listeners of plan.quick ? [1, 100] : [1, 10, 100, 1_000]) {
        figures.push(await measure(site, plan, listeners));
      }
      return figures;
    }),
};

async function measure(site: Site, plan: Plan, listeners: number): Promise<Figure> {
  const count = Math.ceil((plan.quick ? DELIVERIES / 5 : DELIVERIES) / listeners);
  const runners = await Promise.all((["tideway", "ws"] as const).map((kind) => crowd(site, kind, listeners)));
  for (const { publish } of runners) for (let i = 0; i < 3; i++) await publish(count);
  const [ours, bare] = await interleave(
    plan.runs,
    ...runners.map(
      ({ publish }) =>
        () =>
          publish(count),
    ),
  );
  for (const { close } of runners) await close();
  return {
    id: "S2",
    name: `fan-out to ${listeners.toLocaleString("en-US")}, ${BYTES} B`,
    unit: "deliveries/s",
    better: "higher",
    samples: ours!,
    peer: { name: "ws", samples: bare! },
  };
}

async function crowd(site: Site, kind: Kind, listeners: number) {
  let heard = 0;
  let heardBytes = 0;
  const all = await gather(site, kind, listeners, (message) => {
    heard++;
    heardBytes += message.length;
  });
  return {
    /** @returns deliveries a second. */
    publish: async (count: number): Promise<number> => {
      heard = 0;
      heardBytes = 0;
      const start = performance.now();
      await site.server.ask("publish", { kind, count, bytes: BYTES, everyMs: 0 });
      while (heard < count * listeners && performance.now() - start < WAIT_MS) await pause(0);
      const elapsed = performance.now() - start;
      check(heard === count * listeners, `${heard} of ${count * listeners} messages arrived`);
      check(heardBytes === heard * BYTES, "messages of another length arrived");
      return (heard / elapsed) * 1_000;
    },
    close: () => disperse(site, kind, all),
  };
}
