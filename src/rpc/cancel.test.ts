import { describe, expect, test } from "vitest";
import { Deferred, failure, openSessions, settle, sleep, until } from "../../test/sessions.ts";
import {
  type CallContext,
  type ConnectOptions,
  client,
  clientStream,
  contract,
  duplex,
  implement,
  type Limits,
  serverStream,
  type,
  unary,
} from "../index.ts";
import { VirtualClock } from "../testing/clock.ts";
import { Deadlines } from "./deadlines.ts";
import { callsOf } from "./session-calls.ts";

const api = contract({
  hang: unary({ input: type<void>(), output: type<void>() }),
  add: unary({ input: type<readonly [number, number]>(), output: type<number>() }),
  ticks: serverStream({ input: type<number>(), output: type<number>() }),
  upload: clientStream({ input: type<string>(), output: type<number>() }),
  chat: duplex({ input: type<string>(), output: type<string>() }),
});

/** Handlers that last until they are told to end, and what they saw. */
async function open(options: { limits?: Partial<Limits>; client?: ConnectOptions } = {}) {
  const contexts: CallContext[] = [];
  const release = new Deferred();
  const finals: string[] = [];
  const errors: unknown[] = [];
  const service = implement(
    api,
    {
      hang: (_, context) => {
        contexts.push(context);
        return release.promise;
      },
      add: ([a, b]) => a + b,
      async *ticks(everyMs, context) {
        contexts.push(context);
        try {
          for (let i = 0; ; i++) {
            yield i;
            await sleep(everyMs);
          }
        } finally {
          finals.push("ticks");
        }
      },
      async upload(messages, context) {
        contexts.push(context);
        let count = 0;
        try {
          for await (const _ of messages) count++;
        } catch (error) {
          finals.push((error as { code: string }).code);
          throw error;
        }
        return count;
      },
      async *chat(messages, context) {
        contexts.push(context);
        try {
          for await (const message of messages) yield message;
        } finally {
          finals.push("chat");
        }
      },
    },
    { onError: (error) => errors.push(error) },
  );
  const sessions = await openSessions({
    client: { reconnect: false, ...options.client },
    server: { limits: options.limits ?? {}, onSession: (session) => service.attach(session) },
  });
  return {
    ...sessions,
    server: sessions.server,
    calls: client(sessions.client, api),
    contexts,
    release,
    finals,
    errors,
    running: () => callsOf(sessions.server).running,
    idle: () =>
      until(
        () =>
          callsOf(sessions.server).running === 0 &&
          callsOf(sessions.client).waiting === 0 &&
          sessions.client.stats().streams === 0 &&
          sessions.server.stats().streams === 0,
      ),
  };
}

describe("a signal", () => {
  test("cancels a unary call on both sides", async () => {
    const { calls, contexts, release, idle, client: session } = await open();
    const abort = new AbortController();
    const call = calls.hang(undefined, { signal: abort.signal });
    await until(() => contexts.length === 1);
    abort.abort("why");
    expect(await failure(call)).toMatchObject({ code: "ERR_CANCELLED", cause: "why" });
    await until(() => contexts[0]?.signal.aborted === true);
    expect(contexts[0]?.signal.reason).toMatchObject({ code: "ERR_CANCELLED" });
    release.resolve();
    await idle();
    await session.close();
  });

  test("that is aborted already makes no call", async () => {
    const { calls, client: session } = await open();
    const options = { signal: AbortSignal.abort("early") };
    expect(await failure(calls.hang(undefined, options))).toMatchObject({
      code: "ERR_CANCELLED",
      cause: "early",
    });
    expect(() => calls.ticks(1, options)).toThrow("Call was cancelled");
    expect(session.stats().streams).toBe(0);
    await session.close();
  });

  test("leaves no listener behind after the answer", async () => {
    const { calls, client: session } = await open();
    let listeners = 0;
    const { signal } = new AbortController();
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      listeners++;
      add(...args);
    };
    signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      listeners--;
      remove(...args);
    };
    await calls.add([1, 2], { signal });
    for await (const tick of calls.ticks(0, { signal })) if (tick === 3) break;
    const upload = calls.upload({ signal });
    await upload.finish();
    expect(listeners).toBe(0);
    await session.close();
  });

  test.each(["ticks", "upload", "chat"] as const)("cancels %s on both sides", async (name) => {
    const { calls, contexts, finals, idle, client: session } = await open();
    const abort = new AbortController();
    const options = { signal: abort.signal };
    const call =
      name === "ticks"
        ? calls.ticks(1, options)
        : name === "chat"
          ? calls.chat(options)
          : calls.upload(options);
    const result = "receive" in call ? call.receive() : call.result();
    if (name !== "ticks") await (call as ReturnType<typeof calls.chat>).send("a");
    await until(() => contexts.length === 1);
    if (name !== "upload") await result;
    abort.abort();
    const next = "receive" in call ? call.receive() : call.result();
    expect(await failure(next)).toMatchObject({ code: "ERR_CANCELLED" });
    await until(() => finals.length === 1 && contexts[0]?.signal.aborted === true);
    await idle();
    await session.close();
  });
});

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

describe("a handler that does not settle", () => {
  test("keeps its place for callMs after a deadline, and gives it back then", async () => {
    const { calls, running, client: session, server } = await open({ limits: { callMs: 400 } });
    expect(await failure(calls.hang(undefined, { deadlineMs: 10 }))).toMatchObject({ code: "ERR_DEADLINE" });
    await sleep(50);
    expect(running()).toBe(1);
    expect(server.stats().streams).toBe(1);
    await until(() => running() === 0 && server.stats().streams === 0);
    expect(callsOf(server).deadlines.size).toBe(0);
    await session.close();
  });

  test("keeps its place for callMs after a cancellation", async () => {
    const { calls, running, contexts, client: session, server } = await open({ limits: { callMs: 300 } });
    const abort = new AbortController();
    const call = failure(calls.hang(undefined, { signal: abort.signal }));
    await until(() => contexts.length === 1);
    abort.abort();
    await call;
    await sleep(30);
    expect(running()).toBe(1);
    await until(() => running() === 0 && server.stats().streams === 0);
    await session.close();
  });

  test("cannot be used to run more than maxCalls: deadlines do not make room", async () => {
    const { calls, contexts, client: session } = await open({ limits: { maxCalls: 3 } });
    for (let i = 0; i < 3; i++) await failure(calls.hang(undefined, { deadlineMs: 5 }));
    expect(await failure(calls.hang(undefined, { deadlineMs: 5 }))).toMatchObject({ code: "ERR_OVERLOADED" });
    expect(contexts.length).toBe(3);
    await session.close();
  });

  test("that returns after the call was cancelled changes nothing", async () => {
    const { calls, contexts, release, idle, errors, client: session } = await open();
    const abort = new AbortController();
    const call = failure(calls.hang(undefined, { signal: abort.signal }));
    await until(() => contexts.length === 1);
    abort.abort();
    await call;
    await settle();
    release.reject(new Error("too late"));
    await idle();
    expect(errors).toEqual([]);
    expect(await calls.add([1, 1])).toBe(2);
    await session.close();
  });
});

describe("a caller that leaves", () => {
  test("runs the finally of an async generator", async () => {
    const { calls, finals, idle, client: session } = await open();
    for await (const tick of calls.ticks(1)) if (tick === 2) break;
    await until(() => finals.includes("ticks"));
    await idle();
    await session.close();
  });

  test("runs the finally of a generator that waits for credit", async () => {
    const wide = contract({ wide: serverStream({ input: type<void>(), output: type<string>() }) });
    let yields = 0;
    let finished = false;
    const opened = await openSessions({
      server: {
        onSession: (session) =>
          implement(wide, {
            *wide() {
              try {
                for (;;) {
                  yields++;
                  yield "x".repeat(10_000);
                }
              } finally {
                finished = true;
              }
            },
          }).attach(session),
      },
    });
    const call = client(opened.client, wide).wide();
    await call.receive();
    await settle();
    const before = yields;
    await settle();
    expect(yields).toBe(before);
    call.cancel();
    await until(() => finished && callsOf(opened.server).running === 0);
    await opened.client.close();
  });

  test("by `await using` cancels the call", async () => {
    const { calls, finals, idle, client: session } = await open();
    {
      const chat = calls.chat();
      await chat.send("a");
      await chat.receive();
      await chat[Symbol.asyncDispose]();
    }
    await until(() => finals.includes("chat"));
    await idle();
    await session.close();
  });

  test("while its request is validated never reaches the handler", async () => {
    const gate = new Deferred();
    let ran = false;
    const slow = contract({
      run: unary({
        input: {
          "~standard": {
            version: 1 as const,
            vendor: "test",
            validate: async (value: unknown) => {
              await gate.promise;
              return { value: value as string };
            },
          },
        },
        output: type<void>(),
      }),
    });
    const opened = await openSessions({
      server: {
        onSession: (session) =>
          implement(slow, {
            run: () => {
              ran = true;
            },
          }).attach(session),
      },
    });
    const abort = new AbortController();
    const call = failure(client(opened.client, slow).run("a", { signal: abort.signal }));
    await until(() => callsOf(opened.server).running === 1);
    abort.abort();
    await call;
    await settle();
    gate.resolve();
    await until(() => callsOf(opened.server).running === 0);
    expect(ran).toBe(false);
    await opened.client.close();
  });
});

describe("a lost connection", () => {
  test("fails every call and tells every handler", async () => {
    const { calls, contexts, finals, pairs, running, release } = await open();
    const hang = failure(calls.hang());
    const upload = calls.upload();
    await upload.send("a");
    const chat = calls.chat();
    await chat.send("a");
    await chat.receive();
    const ticks = calls.ticks(1);
    await ticks.receive();
    await until(() => contexts.length === 4);
    pairs[0]?.lose();
    for (const error of await Promise.all([hang, failure(upload.result()), failure(chat.receive())])) {
      expect(error).toMatchObject({ code: "ERR_CONNECTION_LOST" });
    }
    const rest = (async () => {
      for await (const _ of ticks);
    })();
    expect(await failure(rest)).toMatchObject({ code: "ERR_CONNECTION_LOST" });
    expect(contexts.every(({ signal }) => signal.aborted)).toBe(true);
    expect(contexts[0]?.signal.reason).toMatchObject({ code: "ERR_CONNECTION_LOST" });
    await until(() => finals.length === 3);
    release.resolve();
    await until(() => running() === 0);
  });

  test("makes room for other calls although nobody reads the lost ones", async () => {
    const { calls, pairs, client: session } = await open({ client: { reconnect: true } });
    for (let i = 0; i < 10; i++) calls.chat();
    await settle();
    expect(callsOf(session).waiting).toBe(10);
    pairs[0]?.lose();
    await settle();
    expect(callsOf(session).waiting).toBe(0);
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
    expect([deadlines.size, clock.waiting]).toEqual([0, 0]);
  });

  test("an entry that is deleted does not expire", () => {
    const clock = new VirtualClock();
    const deadlines = new Deadlines(clock, 1_000);
    const expired: string[] = [];
    const gone = entry(expired, "a");
    deadlines.add(gone);
    deadlines.delete(gone);
    clock.advanceTo(5_000);
    expect([expired, deadlines.size, clock.waiting]).toEqual([[], 0, 0]);
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
