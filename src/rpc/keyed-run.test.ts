import { describe, expect, test } from "vitest";
import { type Handle, KEY, openKeyed } from "../../test/keyed.ts";
import { Deferred, failure, settle, until } from "../../test/sessions.ts";
import { IdempotencyWindow } from "../index.ts";
import { callsOf } from "./session-calls.ts";

/** Handlers that wait for a gate of their own, or for their signal. */
function gated() {
  const gates: Deferred<number>[] = [];
  const handle: Handle = (_, context) => {
    const gate = new Deferred<number>();
    gates.push(gate);
    context.signal.addEventListener("abort", () => gate.reject(context.signal.reason));
    return gate.promise;
  };
  return { gates, handle };
}

describe("a call whose handler runs", () => {
  test("joins that run", async () => {
    const { gates, handle } = gated();
    const { calls, counters, session } = await openKeyed({ handle });
    const answers = [calls.add(1, KEY), calls.add(1, KEY), calls.add(1, KEY)];
    await until(() => counters().joined === 2);
    gates[0]?.resolve(7);
    expect(await Promise.all(answers)).toEqual([7, 7, 7]);
    expect([gates.length, counters().stored]).toEqual([1, 1]);
    await session.close();
  });

  test("gets its failure too", async () => {
    const { gates, handle } = gated();
    const errors: unknown[] = [];
    const { calls, counters, session } = await openKeyed({ handle, onError: (error) => errors.push(error) });
    const answers = [failure(calls.add(1, KEY)), failure(calls.add(1, KEY))];
    await until(() => counters().joined === 1);
    gates[0]?.reject(new Error("secret"));
    for (const error of await Promise.all(answers)) {
      expect(error).toMatchObject({ code: "ERR_INTERNAL", message: "Internal error" });
    }
    expect(errors).toHaveLength(1);
    await session.close();
  });

  test("is not stopped by the loss of its session, nor its error lost", async () => {
    const { gates, handle } = gated();
    const errors: unknown[] = [];
    const { calls, contexts, counters, network, session } = await openKeyed({
      handle,
      onError: (error) => errors.push(error),
    });
    const lost = [calls.add(1, KEY), failure(calls.sub(1, { idempotencyKey: "b" }))];
    await until(() => gates.length === 2);
    network.hold();
    network.cut();
    await settle();
    expect(contexts.map(({ signal }) => signal.aborted)).toEqual([false, false]);
    gates[0]?.resolve(5);
    gates[1]?.reject(new Error("alone"));
    await settle();
    expect(errors).toHaveLength(1);
    network.release();
    expect(await lost[0]).toBe(5);
    expect(await lost[1]).toMatchObject({ code: "ERR_INTERNAL" });
    expect([gates.length, counters().replayed]).toEqual([2, 2]);
    await session.close();
  });

  test("is stopped by the one who cancels it when nobody else waits", async () => {
    const { gates, handle } = gated();
    const { calls, contexts, counters, session, network } = await openKeyed({ handle });
    const aborts = [new AbortController(), new AbortController()];
    const answers = aborts.map(({ signal }) => failure(calls.add(1, { ...KEY, signal })));
    await until(() => counters().joined === 1);
    aborts[0]?.abort();
    await settle();
    expect(contexts[0]?.signal.aborted).toBe(false);
    aborts[1]?.abort();
    await Promise.all(answers);
    await until(() => contexts[0]?.signal.aborted === true);
    await until(() => callsOf(network.server).running === 0);
    expect(counters().stored).toBeUndefined();
    const again = calls.add(1, KEY);
    await until(() => gates.length === 2);
    gates[1]?.resolve(9);
    expect(await again).toBe(9);
    await session.close();
  });

  test("is stopped by its deadline when nobody else waits, and a late answer is kept", async () => {
    const release = new Deferred<number>();
    const { calls, contexts, counters, session } = await openKeyed({ handle: () => release.promise });
    expect(await failure(calls.add(1, { ...KEY, deadlineMs: 20 }))).toMatchObject({ code: "ERR_DEADLINE" });
    await until(() => contexts[0]?.signal.aborted === true);
    const repeat = calls.add(1, KEY);
    await until(() => counters().joined === 1);
    release.resolve(3);
    expect(await repeat).toBe(3);
    expect(await calls.add(1, KEY)).toBe(3);
    expect(contexts).toHaveLength(1);
    await session.close();
  });

  test("runs again for who joined it after it was stopped", async () => {
    const settled = new Deferred<number>();
    let runs = 0;
    const { calls, contexts, counters, session } = await openKeyed({
      handle: (n) => (++runs === 1 ? settled.promise : n),
    });
    const abort = new AbortController();
    const first = failure(calls.add(1, { ...KEY, signal: abort.signal }));
    await until(() => contexts.length === 1);
    abort.abort();
    await first;
    await until(() => contexts[0]?.signal.aborted === true);
    const second = calls.add(1, KEY);
    await until(() => counters().joined === 1);
    settled.reject(new Error("was stopped"));
    expect(await second).toBe(1);
    expect(runs).toBe(2);
    await session.close();
  });

  test("is stopped when nobody comes back for its answer", async () => {
    const { gates, handle } = gated();
    const server = { limits: { callMs: 40 } };
    const { calls, contexts, network, session, window } = await openKeyed({ handle, server });
    const call = failure(calls.add(1, KEY));
    await until(() => gates.length === 1);
    network.hold();
    network.cut();
    await until(() => contexts[0]?.signal.aborted === true);
    expect(contexts[0]?.signal.reason).toMatchObject({ code: "ERR_DEADLINE" });
    await until(() => window.size === 0);
    await session.close();
    await call;
    network.release();
  });

  test("leaves nothing behind when it is lost before its handler runs", async () => {
    const gate = new Deferred();
    const { calls, contexts, network, session, window } = await openKeyed({
      handle: (n) => n,
      use: [
        async (_, next) => {
          await gate.promise;
          await next();
        },
      ],
    });
    const call = failure(calls.add(1, KEY));
    await until(() => callsOf(network.server).running === 1);
    network.hold();
    network.cut();
    await settle();
    gate.resolve();
    await settle();
    expect([contexts.length, window.size]).toEqual([0, 0]);
    await session.close();
    await call;
    network.release();
  });

  test("is refused when too many run", async () => {
    const { gates, handle } = gated();
    const { calls, session } = await openKeyed({ handle, window: new IdempotencyWindow({ maxEntries: 1 }) });
    const call = calls.add(1, KEY);
    await until(() => gates.length === 1);
    expect(await failure(calls.add(1, { idempotencyKey: "b" }))).toMatchObject({ code: "ERR_OVERLOADED" });
    gates[0]?.resolve(1);
    expect(await call).toBe(1);
    await session.close();
  });
});
