import { type Bench, check, elapsedMs, race } from "../harness.ts";
import { type MemorySessions, openSessions } from "./sessions.ts";

/** Sessions that are opened at a time. */
const BATCH = 64;

/** P15: sessions opened in memory, both sides in this thread. Closing them is not timed. */
export const handshakes: Bench = {
  id: "P15",
  async run(plan) {
    const [samples] = await race(plan, openAndClose);
    return [
      {
        id: "P15",
        name: "session handshakes in memory, both sides",
        unit: "handshakes/s",
        better: "higher",
        samples,
        target: { value: 10_000 },
      },
    ];
  },
};

async function openAndClose(count: number): Promise<number> {
  let elapsed = 0;
  for (let opened = 0; opened < count; opened += BATCH) {
    const length = Math.min(BATCH, count - opened);
    let sessions: MemorySessions[] = [];
    elapsed += await elapsedMs(async () => {
      sessions = await Promise.all(Array.from({ length }, () => openSessions()));
    });
    for (const { client, server } of sessions) {
      check(
        client.state === "open" && server.state === "open",
        `client is ${client.state}, server ${server.state}`,
      );
    }
    await Promise.all(sessions.flatMap(({ client, server }) => [client.close(), server.closed]));
  }
  return elapsed;
}
