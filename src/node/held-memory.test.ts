import { afterEach, describe, expect, test } from "vitest";
import { isHeld } from "../../test/garbage.ts";
import { raw, type Session } from "../index.ts";
import { connect } from "./dial.ts";
import { serve } from "./serve.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

describe.each(["ws://127.0.0.1:0", "tcp://127.0.0.1:0"])("an idle session over %s", (url) => {
  test("holds nothing of the last record that it read", async () => {
    const read: WeakRef<object>[] = [];
    const sessions: Session[] = [];
    const server = await serve({
      listen: [url],
      codecs: [raw],
      onSession: (session) => {
        sessions.push(session);
        session.onStream("talk", (stream) =>
          stream.listen(
            (message: Uint8Array) => {
              read.push(new WeakRef(message.buffer));
              stream.trySend(new Uint8Array(100));
            },
            () => {},
          ),
        );
      },
    });
    cleanups.push(() => server.close());
    const session = await connect(server.urls[0] as string, { codecs: [raw] });
    cleanups.push(() => session.close());
    const stream = session.openStream("talk");
    // From the second message on, records say what was consumed, too.
    for (let i = 0; i < 3; i++) {
      stream.trySend(new Uint8Array(5_000));
      await stream.receive();
    }
    expect(read.length).toBe(3);
    await expect.poll(() => read.map(isHeld)).toEqual([false, false, false]);
  });
});
