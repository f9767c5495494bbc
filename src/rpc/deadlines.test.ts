import { describe, expect, test } from "vitest";
import { open } from "../../test/lasting-calls.ts";
import { failure, openSessions, settle, sleep, until } from "../../test/sessions.ts";
import { client, contract, implement, type, unary } from "../index.ts";
import { VirtualClock } from "../testing/clock.ts";
import { Deadlines } from "./deadlines.ts";

describe("a deadline", () => {
  test("ends a call whose handler does not settle, and only that one", async () => {
    const { calls, contexts, client: session, errors } = await open();
    const late = failure(calls.hang(undefined, { deadlineMs: 20 }));
    expect(await calls.add([1, 2])).toBe(3);
    expect(await late).toMatchObject({ code: "ERR_DEADLINE" });
    await until(() => contexts[0]?.signal.aborted === true);
    expect(contexts[0]?.signal.reason).toMatchObject({ code: "ERR_DEADLINE" });
    expect(await calls.add([3, 4])).toBe(7);
    expect(errors).toEqual([]);
    await session.close();
  });

  test("is kept by the server although the client keeps none", async () => {
    const clock = new VirtualClock();
    const { calls, contexts, client: session } = await open({ client: { clock } });
    const call = calls.hang(undefined, { deadlineMs: 20 });
    expect(await failure(call)).toMatchObject({ code: "ERR_DEADLINE" });
    expect(contexts[0]?.signal.aborted).toBe(true);
    await session.close();
  });

  test("begins when the call came, also on a session whose other streams go elsewhere already", async () => {
    const { client: session, server } = await openSessions();
    const api = contract({ left: unary({ input: type<number>(), output: type<number>() }) });
    implement(api, { left: (_, { remainingMs }) => remainingMs ?? -1 }).attach(session);
    server.onStream("open", () => new Promise(() => {}));
    const stream = session.openStream("open");
    await stream.send(new Uint8Array(1));
    await settle();
    server.goAway("restart", 60_000);
    await until(() => session.mux !== session.link?.connection.mux);
    const left = await client(server, api).left(0, { deadlineMs: 5_000 });
    expect(left).toBeGreaterThan(4_000);
    expect(left).toBeLessThanOrEqual(5_000);
    await session.close();
  });

  test("ends a stream that goes on", async () => {
    const { calls, finals, idle, client: session } = await open();
    let last = 0;
    const reading = (async () => {
      for await (const tick of calls.ticks(1, { deadlineMs: 30 })) last = tick;
    })();
    expect(await failure(reading)).toMatchObject({ code: "ERR_DEADLINE" });
    expect(last).toBeGreaterThan(0);
    await until(() => finals.includes("ticks"));
    await idle();
    await session.close();
  });

  test("the default one ends a unary call that names none", async () => {
    const { calls, client: session } = await open({ client: { limits: { callMs: 30 } } });
    expect(await failure(calls.hang())).toMatchObject({ code: "ERR_DEADLINE" });
    await session.close();
  });

  test.each([Number.POSITIVE_INFINITY, 1e12, 2 ** 53])("of %s ms is as good as none", async (deadlineMs) => {
    const { calls, release, client: session } = await open();
    const call = calls.hang(undefined, { deadlineMs });
    await sleep(20);
    release.resolve();
    expect(await call).toBe(undefined);
    await session.close();
  });

  test("of 0 ms or less passes at once, one that is no number is refused", async () => {
    const { calls, client: session } = await open();
    for (const deadlineMs of [0, -5]) {
      expect(await failure(calls.hang(undefined, { deadlineMs }))).toMatchObject({ code: "ERR_DEADLINE" });
    }
    expect(await failure(calls.hang(undefined, { deadlineMs: Number.NaN }))).toBeInstanceOf(RangeError);
    await session.close();
  });
});

describe("Deadlines", () => {
  const entry = (expired: string[], name: string) => ({ expiresAt: 0, expire: () => expired.push(name) });

  test("expire in order, not early, and no more than a tick late", () => {
    const clock = new VirtualClock();
    const deadlines = new Deadlines(clock, 1_000);
    const expired: string[] = [];
    deadlines.add(entry(expired, "a"));
    clock.advanceTo(100);
    deadlines.add(entry(expired, "b"));
    clock.advanceTo(999);
    expect(expired).toEqual([]);
    clock.advanceTo(1_000);
    expect(expired).toEqual(["a"]);
    clock.advanceTo(1_350);
    expect(expired).toEqual(["a", "b"]);
    expect([deadlines.empty, clock.waiting]).toEqual([true, 0]);
  });

  test("an entry that is deleted does not expire", () => {
    const clock = new VirtualClock();
    const deadlines = new Deadlines(clock, 1_000);
    const expired: string[] = [];
    const gone = entry(expired, "a");
    deadlines.add(gone);
    deadlines.delete(gone);
    clock.advanceTo(5_000);
    expect([expired, deadlines.empty, clock.waiting]).toEqual([[], true, 0]);
  });

  test("an entry that comes back while it expires has one timer", () => {
    const clock = new VirtualClock();
    const deadlines = new Deadlines(clock, 1_000);
    let count = 0;
    const again = {
      expiresAt: 0,
      expire: () => {
        if (++count < 5) deadlines.add(again);
      },
    };
    deadlines.add(again);
    for (let at = 0; at <= 6_000; at += 100) {
      clock.advanceTo(at);
      expect(clock.waiting).toBeLessThanOrEqual(1);
    }
    expect(count).toBe(5);
  });

  test("stop() leaves no timer", () => {
    const clock = new VirtualClock();
    const deadlines = new Deadlines(clock, 1_000);
    deadlines.add(entry([], "a"));
    deadlines.stop();
    deadlines.add(entry([], "b"));
    expect(clock.waiting).toBe(0);
  });

  test("a session that was closed leaves no timer", async () => {
    const clock = new VirtualClock();
    const { calls, client: session } = await open({ client: { clock } });
    await calls.add([1, 2]);
    await session.close();
    await settle();
    expect(clock.waiting).toBe(0);
  });
});
