import { client } from "tideway";
import { callAll, ECHO, echoService } from "../calls.ts";
import { type Bench, elapsedMs, race } from "../harness.ts";
import { makeMessages } from "../messages.ts";
import { openSessions } from "./sessions.ts";

const IN_FLIGHT = 100;

/** P6 without a network: what a unary call costs both sides together. */
export const memoryCalls: Bench = {
  id: "P6",
  async run(plan) {
    const pool = makeMessages(64);
    const sessions = await openSessions((server) => echoService.attach(server));
    const calls = client(sessions.client, ECHO);
    const [samples] = await race(plan, (count) => elapsedMs(() => callAll(calls, pool, count, IN_FLIGHT)));
    await sessions.client.close();
    return [
      {
        id: "P6",
        name: `unary calls in memory, 64 B, ${IN_FLIGHT} in flight`,
        unit: "calls/s",
        better: "higher",
        samples,
      },
    ];
  },
};
