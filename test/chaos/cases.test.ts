import { afterEach, expect, test } from "vitest";
import { connect, type ServeOptions, type Session, serve } from "../../src/node/index.ts";
import { Deferred, until } from "../sessions.ts";
import { ChaosProxy } from "./proxy.ts";

// What random cuts have found, each made to happen for certain.

/** Two messages fit and are worth a grant; without it, the third one waits. */
const WINDOW_BYTES = 4_096;
const MESSAGE_BYTES = 2_000;

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function start(options: ServeOptions): Promise<{ proxy: ChaosProxy; session: Session }> {
  const server = await serve({ listen: ["ws://127.0.0.1:0"], ...options });
  cleanups.push(() => server.close({ drainMs: 0 }));
  const proxy = await ChaosProxy.open(Number(new URL(server.urls[0] as string).port));
  cleanups.push(() => proxy.close());
  const session = await connect(`ws://127.0.0.1:${proxy.port}`, { reconnect: { minMs: 1, maxMs: 20 } });
  cleanups.push(() => session.close());
  return { proxy, session };
}

/** Resolves when the session has lost its connection. */
function lost(session: Session): Promise<void> {
  return new Promise((resolve) => {
    session.addEventListener("statechange", ({ state }) => {
      if (state === "resuming") resolve();
    });
  });
}

test.each([
  ["stream", { streamWindowBytes: WINDOW_BYTES, maxStreamWindowBytes: WINDOW_BYTES }],
  ["session", { sessionWindowBytes: WINDOW_BYTES, maxSessionWindowBytes: WINDOW_BYTES }],
])(
  "credit of the %s that becomes due without a connection comes with the next one",
  { timeout: 5_000 },
  async (_, limits) => {
    const message = new Uint8Array(MESSAGE_BYTES);
    const served = new Deferred<Session>();
    const received: number[] = [];
    const { proxy, session } = await start({
      limits,
      onSession: (accepted) => {
        served.resolve(accepted);
        const gone = lost(accepted);
        accepted.onStream("data", async (stream) => {
          await gone;
          for await (const { length } of stream) received.push(length);
          await stream.close();
        });
      },
    });
    const there = await served.promise;
    const stream = session.openStream("data");
    for (let sent = 0; sent < 2; sent++) await stream.send(message);
    await until(() => there.stats().unreadBytes > 2 * MESSAGE_BYTES);
    proxy.strike("fin");
    await until(() => received.length === 2);
    await stream.send(message);
    await stream.close();
    expect(received).toEqual([MESSAGE_BYTES, MESSAGE_BYTES, MESSAGE_BYTES]);
    expect(session.resumed).toEqual({ resumed: true, reason: "resumed" });
  },
);
