import { ChaosProxy } from "../../test/chaos/proxy.ts";
import { type Bench, check, type Figure, longRuns, type Plan } from "../harness.ts";
import { Helper } from "../helper.ts";
import { installPeers } from "../peers/packages.ts";
import { pause } from "./audience.ts";
import type { Feed, FeedCommands, FeedReport } from "./feeds/feed.ts";

/** Who sends and hears a feed. */
interface Contender {
  readonly name: string;
  readonly entry: string;
  readonly packages?: string;
  readonly recovers: boolean;
  readonly configuration: string;
}

const CONTENDERS: readonly Contender[] = [
  {
    name: "tideway",
    entry: "bench/scenarios/feeds/tideway.ts",
    recovers: true,
    configuration: "default limits and backoff",
  },
  {
    name: "socket.io, recovery",
    entry: "bench/scenarios/rivals/socket-io.ts",
    packages: "bench",
    recovers: true,
    configuration:
      "WebSocket alone, connectionStateRecovery of 120 s, the first attempt after 0 to 100 ms as ours",
  },
  {
    name: "socket.io",
    entry: "bench/scenarios/rivals/socket-io.ts",
    packages: "bench",
    recovers: false,
    configuration: "WebSocket alone, the first attempt to connect after 0 to 100 ms as ours",
  },
];

const PER_SECOND = 1_000;
/** How long nothing may come until the rest counts as lost, ms; where it is sent again, that may take longer. */
const LOST_MS = { recovering: 10_000, other: 1_000, quick: 300 };

/** S6: a feed over a connection that is reset again and again. Nothing of ours may be lost, come twice or out of order. */
export const lostConnections: Bench = {
  id: "S6",
  async run(plan) {
    installPeers();
    const everyMs = plan.quick ? 300 : 5_000;
    const feed = { count: plan.quick ? 700 : 16_000, perSecond: PER_SECOND };
    const runners = await Promise.all(CONTENDERS.map(start));
    try {
      const reports: FeedReport[][] = runners.map(() => []);
      for (let run = 0; run < longRuns(plan); run++) {
        // At the same time: all of them are idle most of it.
        const all = await Promise.all(runners.map((runner) => runner.run(feed, everyMs, plan)));
        for (const [index, report] of all.entries()) reports[index]!.push(report);
      }
      checkOurs(reports[0]!, feed.count);
      return toFigures(reports, feed, everyMs);
    } finally {
      await Promise.all(runners.map((runner) => runner.close()));
    }
  },
};

async function start({ entry, packages, recovers }: Contender) {
  const runner = packages === undefined ? {} : { packages };
  const server = new Helper<FeedCommands>(entry, runner);
  const client = new Helper<FeedCommands>(entry, runner);
  const proxy = await ChaosProxy.open(await server.ask("listen", { recovers }));
  await client.ask("dial", proxy.port);
  return {
    /** Send a feed and reset the connection meanwhile. */
    run: async (feed: Feed, everyMs: number, { quick }: Plan): Promise<FeedReport> => {
      await client.ask("reset");
      const timer = setInterval(() => proxy.strike("reset"), everyMs);
      await server.ask("publish", feed).finally(() => clearInterval(timer));
      let report = await client.ask("report");
      let changedAt = performance.now();
      const patience = recovers ? LOST_MS.recovering : quick ? LOST_MS.quick : LOST_MS.other;
      while (report.arrived < feed.count && performance.now() - changedAt < patience) {
        await pause(20);
        const next = await client.ask("report");
        if (next.arrived > report.arrived) changedAt = performance.now();
        report = next;
      }
      return report;
    },
    close: async () => {
      await client.close();
      await server.close();
      await proxy.close();
    },
  };
}

function checkOurs(reports: readonly FeedReport[], count: number): void {
  for (const { arrived, twice, late } of reports) {
    check(arrived === count, `${arrived} of ${count} messages arrived`);
    check(twice === 0 && late === 0, `${twice} messages came twice, ${late} out of order`);
  }
}

function toFigures(reports: readonly (readonly FeedReport[])[], feed: Feed, everyMs: number): Figure[] {
  const what = `${PER_SECOND.toLocaleString("en-US")} messages/s, connection lost every ${everyMs / 1_000} s`;
  const figures = (
    name: string,
    unit: string,
    better: Figure["better"],
    pick: (report: FeedReport) => number,
  ): Figure[] =>
    CONTENDERS.slice(1).map((contender, index) => ({
      id: "S6",
      name: `${what}: ${name}`,
      unit,
      better,
      samples: reports[0]!.map(pick),
      peer: {
        name: contender.name,
        configuration: contender.configuration,
        samples: reports[index + 1]!.map(pick),
      },
    }));
  return [
    ...figures("useful messages", "messages/s", "higher", ({ arrived, ms }) => (arrived / ms) * 1_000),
    ...figures("longest silence", "ms", "lower", ({ silenceMs }) => silenceMs),
    ...figures(
      `lost of ${feed.count.toLocaleString("en-US")}`,
      "messages",
      "lower",
      ({ arrived }) => feed.count - arrived,
    ),
    ...figures("twice or out of order", "messages", "lower", ({ twice, late }) => twice + late),
  ];
}
