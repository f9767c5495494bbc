import { SlowLink } from "../../test/chaos/slow-link.ts";
import { type Bench, interleave, longRuns } from "../harness.ts";
import { Helper } from "../helper.ts";
import { median } from "../statistics.ts";
import { SERVER } from "../transports/carriers/node.ts";
import type { ServerCommands } from "../transports/programs/server.ts";
import { reconnectOften, resumeOften } from "./resume.ts";

/** A link on which nothing but round trips takes time. */
const SHAPE = { bitsPerSecond: 1e9, delayMs: 50 };
const ROUND_TRIP_MS = 2 * SHAPE.delayMs;
/** A tenth more than the peer, as round trips are judged elsewhere. */
const TARGET = { ratio: 0.91 };

/**
 * P16 in round trips, on a link where those are long. A dial of WebSocket takes one, the upgrade; carrying the session
 * on may take one more, as the first echo of a bare connection does.
 */
export const resumeRoundTrips: Bench = {
  id: "P16",
  async run(plan) {
    const cuts = plan.quick ? 1 : 5;
    const server = new Helper<ServerCommands>(SERVER);
    const { tideway, bare: echo } = await server.ask("targets");
    const links = await Promise.all(
      [tideway, echo].map(({ websocket }) => SlowLink.open(Number(new URL(websocket).port), SHAPE)),
    );
    const [ours, bare] = links.map(({ port }) => `ws://127.0.0.1:${port}`) as [string, string];
    try {
      const [resumed, dialed] = await interleave(
        longRuns(plan),
        () => resumeOften(ours, cuts),
        () => reconnectOften(bare, cuts),
      );
      const trips = (runs: readonly (readonly number[])[]) =>
        runs.map((times) => median(times) / ROUND_TRIP_MS);
      return [
        {
          id: "P16",
          name: `resume after a cut, no wait before it, over ${ROUND_TRIP_MS} ms`,
          unit: "round trips",
          better: "lower",
          samples: trips(resumed!),
          peer: { name: "ws dial + echo", samples: trips(dialed!) },
          target: TARGET,
        },
      ];
    } finally {
      await Promise.all(links.map((link) => link.close()));
      await server.close();
    }
  },
};
