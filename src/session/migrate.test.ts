import { describe, expect, test } from "vitest";
import { api, record, stateIs, World } from "../../test/resumable-world.ts";
import { failure, sleep, until } from "../../test/sessions.ts";
import { client, connectWith, type Dial, type MigratedEvent } from "../index.ts";
import { simulatedPair } from "../testing/link.ts";

describe("migrate()", () => {
  test("moves a session while data flows, in both directions, without a loss", async () => {
    const world = new World();
    const session = await world.connect();
    const states = record(session);
    const moves: MigratedEvent[] = [];
    session.addEventListener("migrated", (event) => moves.push(event));
    const echo = client(session, api).count();
    const received: number[] = [];
    const reading = (async () => {
      for await (const number of echo) received.push(number);
    })();
    for (let i = 0; i < 3_000; i++) {
      if (!echo.trySend(i)) await echo.send(i);
      if (i % 100 === 0) await sleep(1);
      if (i % 1_000 === 500) await session.migrate(world.transport(2));
    }
    echo.end();
    await reading;
    expect(received).toEqual(Array.from({ length: 3_000 }, (_, i) => i));
    expect(states).toEqual([]);
    expect(moves).toHaveLength(3);
    expect(session.resumed).toEqual({ resumed: true, reason: "migrated" });
    expect(session.stats()).toMatchObject({ migrations: 3, reconnects: 0 });
    expect(world.sessions).toHaveLength(1);
    await session.close();
  });

  test("leaves the session where it is when the new transport leads nowhere", async () => {
    const world = new World();
    const session = await world.connect({ connectTimeoutMs: 300 });
    const dead = simulatedPair();
    dead.vanish();
    expect(await failure(session.migrate(dead.a))).toMatchObject({ code: "ERR_TIMEOUT" });
    const stranger = new World();
    expect(await failure(session.migrate(stranger.transport()))).toMatchObject({
      code: "ERR_SESSION_UNKNOWN",
    });
    expect(await client(session, api).add(1)).toBe(2);
    expect(session.stats()).toMatchObject({ migrations: 0, reconnects: 0 });
    await session.close();
  });

  test("survives the loss of both connections at any byte of the new one", async () => {
    const world = new World();
    const session = await world.connect({ connectTimeoutMs: 200 });
    const calls = client(session, api);
    for (const bytes of [0, 10, 90, 110, 150, 200, 260]) {
      const call = calls.slow(8);
      const old = world.link;
      const transport = world.transport();
      world.link.cutAfter(bytes, bytes % 20 === 0 ? "bToA" : "aToB");
      const moving = session.migrate(transport).catch(() => {});
      if (bytes > 100) old.cut();
      await moving;
      expect(await call).toBe(8);
      await stateIs(session, "open");
    }
    expect([world.ran, world.sessions.length]).toEqual([7, 1]);
    await session.close();
  });

  test("is for the client, one move at a time", async () => {
    const world = new World();
    const session = await world.connect();
    const [a, b] = [session.migrate(world.transport()), failure(session.migrate(world.transport()))];
    expect(await b).toMatchObject({ code: "ERR_STATE" });
    await a;
    expect(await failure(world.sessions[0]!.migrate(world.transport()))).toMatchObject({ code: "ERR_STATE" });
    await session.close();
  });
});

describe("by itself a session", () => {
  test("moves to a better dial when that works again", async () => {
    const world = new World();
    let better = false;
    const first: Dial = async () => {
      if (!better) throw new Error("Not now");
      return world.transport();
    };
    const session = await connectWith([first, world.dial], { upgradeMs: 20 });
    expect(world.links).toHaveLength(1);
    const call = client(session, api).slow(100);
    await sleep(70);
    expect(session.stats().migrations).toBe(0);
    better = true;
    await until(() => session.stats().migrations === 1);
    expect(await call).toBe(100);
    await sleep(50);
    expect(session.stats().migrations).toBe(1);
    await session.close();
  });

  test("moves when nothing comes back for what it has sent", { timeout: 15_000 }, async () => {
    const world = new World();
    const session = await world.connect();
    const stuck = world.link;
    stuck.vanish();
    const call = client(session, api).add(1);
    expect(await call).toBe(2);
    expect(session.stats()).toMatchObject({ migrations: 1, reconnects: 0 });
    await session.close();
  });
});
