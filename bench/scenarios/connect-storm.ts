import { type Bench, interleave } from "../harness.ts";
import { disperse, gather, type Site, withSite } from "./audience.ts";
import type { Kind } from "./server.ts";

/** S1: all connect at once. Tideway's count when their session is open and a message has gone through its stream. */
export const connectStorm: Bench = {
  id: "S1",
  run: (plan) =>
    withSite(async (site) => {
      const count = plan.quick ? 200 : 1_000;
      await storm(site, "tideway", count);
      await storm(site, "ws", count);
      const [ours, bare] = await interleave(
        plan.runs,
        () => storm(site, "tideway", count),
        () => storm(site, "ws", count),
      );
      return [
        {
          id: "S1",
          name: `${count.toLocaleString("en-US")} connect at once`,
          unit: "connections/s",
          better: "higher",
          samples: ours!,
          peer: { name: "ws", samples: bare! },
        },
      ];
    }),
};

/** @returns connections a second, until the server has the last. */
async function storm(site: Site, kind: Kind, count: number): Promise<number> {
  const start = performance.now();
  const all = await gather(site, kind, count, () => {});
  const elapsed = performance.now() - start;
  await disperse(site, kind, all);
  return (count / elapsed) * 1_000;
}
