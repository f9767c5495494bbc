import { type Bench, race, type Work } from "../harness.ts";
import { checkTally, makeMessages, type Tally } from "../messages.ts";
import { sendAll, tallyAll } from "../streams.ts";
import { openSessions } from "./sessions.ts";

/** P3: small messages through a session in memory, from `trySend` to the peer's listener. */
export const memoryMessages: Bench = {
  id: "P3",
  async run(plan) {
    const [small] = await race(plan, await sender(64));
    const [tiny] = await race(plan, await sender(16));
    return [
      {
        id: "P3",
        name: "64 B message in memory, trySend to listener",
        unit: "ns",
        better: "lower",
        samples: small.map((perSecond) => 1e9 / perSecond),
        target: { value: 200 },
      },
      {
        id: "P3",
        name: "64 B messages in memory",
        unit: "messages/s",
        better: "higher",
        samples: small,
        target: { value: 5e6 },
      },
      {
        id: "P3",
        name: "16 B messages in memory",
        unit: "messages/s",
        better: "higher",
        samples: tiny,
        target: { value: 5e6 },
      },
    ];
  },
};

/** Sends messages of this length over one session, on a new stream each time. */
async function sender(bytes: number): Promise<Work> {
  const pool = makeMessages(bytes);
  let onTally: (tally: Promise<Tally>) => void = () => {};
  const { client } = await openSessions((server) => {
    server.onStream("sink", (stream) => onTally(tallyAll(stream)));
  });
  return async (count) => {
    const arrived = new Promise<Tally>((resolve) => {
      onTally = resolve;
    });
    const start = performance.now();
    const stream = client.openStream("sink");
    await sendAll(stream, pool, count);
    const closed = stream.close();
    const tally = await arrived;
    const elapsed = performance.now() - start;
    checkTally(tally, pool, count);
    await closed; // the receipt may come later, and no message waits for it
    return elapsed;
  };
}
