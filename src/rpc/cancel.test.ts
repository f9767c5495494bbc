import { describe, expect, test } from "vitest";
import { open } from "../../test/lasting-calls.ts";
import { Deferred, failure, openSessions, settle, sleep, until } from "../../test/sessions.ts";
import { client, contract, implement, serverStream, type, unary } from "../index.ts";
import { callsOf } from "./session-calls.ts";

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

describe("a handler that does not settle", () => {
  test("keeps its place for callMs after a deadline, and gives it back then", async () => {
    const { calls, running, client: session, server } = await open({ limits: { callMs: 400 } });
    expect(await failure(calls.hang(undefined, { deadlineMs: 10 }))).toMatchObject({ code: "ERR_DEADLINE" });
    await sleep(50);
    expect(running()).toBe(1);
    expect(server.stats().streams).toBe(1);
    await until(() => running() === 0 && server.stats().streams === 0);
    expect(callsOf(server).deadlines.empty).toBe(true);
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
