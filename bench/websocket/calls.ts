import { client, connect, raw } from "tideway/node";
import { callAll, ECHO } from "../calls.ts";
import { type Bench, elapsedMs, race } from "../harness.ts";
import { Helper } from "../helper.ts";
import { makeMessages } from "../messages.ts";
import { SERVER } from "../transports/carriers/node.ts";
import { echoBare } from "../transports/links/protocol.ts";
import { dialWs } from "../transports/links/ws.ts";
import type { ServerCommands } from "../transports/programs/server.ts";

const IN_FLIGHT = 100;

/** P6: unary calls, many in flight. What bare `ws` echoes is a floor: it does not know which answer is whose. */
export const pipelinedCalls: Bench = {
  id: "P6",
  async run(plan) {
    const pool = makeMessages(64);
    const server = new Helper<ServerCommands>(SERVER);
    try {
      const { tideway, bare } = await server.ask("targets");
      const session = await connect(tideway.websocket, { codecs: [raw], reconnect: false });
      const calls = client(session, ECHO);
      const link = await dialWs(bare.websocket);
      const [samples, echoes] = await race(
        plan,
        (count) => elapsedMs(() => callAll(calls, pool, count, IN_FLIGHT)),
        (count) => elapsedMs(() => echoBare(link, pool, count, IN_FLIGHT)),
      );
      link.close();
      await session.close();
      return [
        {
          id: "P6",
          name: `unary calls, 64 B, ${IN_FLIGHT} in flight`,
          unit: "calls/s",
          better: "higher",
          samples,
          peer: { name: "ws echo", samples: echoes },
        },
      ];
    } finally {
      await server.close();
    }
  },
};
