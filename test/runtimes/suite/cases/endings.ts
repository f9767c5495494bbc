import { check, codeOf, equal } from "../assert.ts";
import type { Case } from "../case.ts";
import { BYTES_STREAM } from "../contract.ts";

/** Connections that are cut. */
export const LOSSES: readonly Case[] = [
  {
    name: "a session is carried on over three cuts",
    needs: "cutsUrl",
    async run(open) {
      const { session, calls } = await open({ reconnect: { minMs: 5, maxMs: 50 } });
      const waiting = codeOf(calls.wait(undefined, { deadlineMs: 20_000 }));
      const stream = session.openStream(BYTES_STREAM);
      // Random: some runtimes compress WebSockets by themselves, and the cuts are at bytes.
      const sent = Array.from({ length: 150 }, () => crypto.getRandomValues(new Uint8Array(6_000)));
      const heard: unknown[] = [];
      const receiving = (async () => {
        for await (const message of stream) heard.push(message);
      })();
      for (const message of sent) await stream.send(message);
      await stream.close();
      await receiving;
      equal(heard.length, sent.length, "messages");
      for (const [i, message] of sent.entries()) equal(heard[i], message, `message ${i}`);
      const { reconnects, resumes } = session.stats();
      equal([reconnects, resumes], [3, 3], "reconnects and resumes");
      equal(await calls.aborted(), [], "aborted calls");
      await session.close();
      check((await waiting) !== "ERR_DEADLINE", "the call to wait until the session is closed");
    },
  },
  {
    name: "a loss is told",
    needs: "lossUrl",
    async run(open) {
      const { session, calls } = await open({ reconnect: false });
      const waiting = codeOf(calls.wait());
      const filling = codeOf(
        (async () => {
          for await (const _ of calls.fill(1_000)) {
            // until the cut
          }
        })(),
      );
      equal(await Promise.all([waiting, filling]), ["ERR_CONNECTION_LOST", "ERR_CONNECTION_LOST"]);
      equal((await session.closed)?.code, "ERR_CONNECTION_LOST");
    },
  },
];

/** The end that both sides agree on. */
export const CLOSE: Case = {
  name: "a close in order",
  needs: "url",
  async run(open) {
    const { session, calls } = await open();
    equal(await calls.add([1, 1]), 2);
    await session.close();
    equal(await session.closed, undefined);
    equal(session.state, "closed");
  },
};
