import { type Bench, check, interleave } from "../harness.ts";
import { percentile } from "../statistics.ts";
import { disperse, gather, pause, type Site, withSite } from "./audience.ts";
import type { Kind } from "./server.ts";

const LISTENERS = 99;
const BYTES = 4_096;
const EVERY_MS = 10;
/** How long the last messages may be on their way, ms. */
const LAST_MS = 2_000;

/** S3: one of 100 does not read. What the others get must not wait for it. */
export const slowReader: Bench = {
  id: "S3",
  run: (plan) =>
    withSite(async (site) => {
      const count = plan.quick ? 20 : 1_000;
      const contenders = [
        () => othersP99(site, "tideway", count, true),
        () => othersP99(site, "tideway", count, false),
        () => othersP99(site, "ws", count, true),
      ];
      if (!plan.quick) for (const contender of contenders) await contender();
      const [slow, free, bare] = await interleave(plan.runs, ...contenders);
      const common = { id: "S3", unit: "ms", better: "lower", samples: slow! } as const;
      const name = `p99 of ${LISTENERS} while one more does not read`;
      return [
        { ...common, name, peer: { name: "ws", samples: bare! } },
        { ...common, name: `${name}, against none such`, peer: { name: "all read", samples: free! } },
      ];
    }),
};

/** @returns the p99 latency of those that read, ms. */
async function othersP99(site: Site, kind: Kind, count: number, isOneSlow: boolean): Promise<number> {
  const latencies: number[] = [];
  const slow = isOneSlow ? await gather(site, kind, 1) : [];
  const all = await gather(site, kind, LISTENERS, (message) => {
    const sentAt = new DataView(message.buffer, message.byteOffset).getFloat64(0);
    latencies.push((Number(process.hrtime.bigint()) - sentAt) / 1e6);
  });
  await site.server.ask("publish", { kind, count, bytes: BYTES, everyMs: EVERY_MS });
  for (
    const end = performance.now() + LAST_MS;
    latencies.length < count * LISTENERS && performance.now() < end;
  )
    await pause(5);
  await disperse(site, kind, [...all, ...slow]);
  check(
    latencies.length === count * LISTENERS,
    `${latencies.length} of ${count * LISTENERS} messages arrived`,
  );
  return percentile(latencies, 0.99);
}
