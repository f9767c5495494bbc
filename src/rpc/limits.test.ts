import { setMaxListeners } from "node:events";
import { describe, expect, test } from "vitest";
import {
  Deferred,
  failure,
  openSessions,
  type SessionPairOptions,
  settle,
  sleep,
  until,
} from "../../test/sessions.ts";
import { client, clientStream, contract, implement, serverStream, type, unary } from "../index.ts";
import { callsOf } from "./session-calls.ts";

const api = contract({
  add: unary({ input: type<number>(), output: type<number>() }),
  hang: unary({ input: type<void>(), output: type<void>() }),
  fill: unary({ input: type<number>(), output: type<string>() }),
  wide: serverStream({ input: type<number>(), output: type<string>() }),
  upload: clientStream({ input: type<string>(), output: type<string>() }),
});

async function open(options: SessionPairOptions = {}) {
  const gate = new Deferred();
  const counts = { running: 0, most: 0, yields: 0 };
  const service = implement(api, {
    add: async (number) => {
      counts.most = Math.max(counts.most, ++counts.running);
      await settle(1);
      counts.running--;
      return number + 1;
    },
    hang: (_, { signal }) => new Promise((_resolve, reject) => signal.addEventListener("abort", reject)),
    fill: (bytes) => "x".repeat(bytes),
    *wide(bytes) {
      for (;;) {
        counts.yields++;
        yield "x".repeat(bytes);
      }
    },
    upload: async (messages) => {
      await gate.promise;
      for await (const _ of messages);
      return "x".repeat(100_000);
    },
  });
  const sessions = await openSessions({
    ...options,
    server: { ...options.server, onSession: (session) => service.attach(session) },
  });
  return { ...sessions, calls: client(sessions.client, api), counts, gate };
}

describe("maxCalls", () => {
  test("bounds the calls that one side has under way, streams included", async () => {
    const { calls, client: session } = await open({ client: { limits: { maxCalls: 3 } } });
    const first = failure(calls.hang(undefined, { deadlineMs: 50 }));
    const wide = calls.wide(10);
    const upload = calls.upload();
    const error = { code: "ERR_LIMIT", message: "Cannot call add: 3 calls are under way (limit maxCalls)" };
    expect(await failure(calls.add(1))).toMatchObject(error);
    expect(() => calls.wide(1)).toThrow("limit maxCalls");
    wide.cancel();
    upload.cancel();
    await first;
    expect(await calls.add(1)).toBe(2);
    await session.close();
  });

  test("bounds the handlers that run, over all services of a session", async () => {
    const { calls, server, client: session } = await open({ server: { limits: { maxCalls: 2 } } });
    const other = contract({ other: unary({ input: type<void>(), output: type<void>() }) });
    implement(other, { other: () => {} }).attach(server);
    const hanging = [1, 2].map(() => failure(calls.hang(undefined, { deadlineMs: 60 })));
    expect(await failure(calls.add(1))).toMatchObject({
      code: "ERR_OVERLOADED",
      message: "Cannot call: 2 calls are running (limit maxCalls)",
    });
    expect(await failure(client(session, other).other())).toMatchObject({ code: "ERR_OVERLOADED" });
    await Promise.all(hanging);
    expect(await calls.add(1)).toBe(2);
    await session.close();
  });

  test("is not what holds calls back: more than maxStreams wait for their turn", async () => {
    const { calls, counts, client: session } = await open({ server: { limits: { maxStreams: 16 } } });
    const answers = await Promise.all(Array.from({ length: 500 }, (_, i) => calls.add(i)));
    expect(answers).toEqual(Array.from({ length: 500 }, (_, i) => i + 1));
    expect(counts.most).toBeLessThanOrEqual(16);
    await session.close();
  });
});

describe("backpressure", () => {
  test("a server stream does not run ahead of the credit of its reader", async () => {
    const {
      calls,
      counts,
      client: session,
    } = await open({
      client: { limits: { streamWindowBytes: 65_536, maxStreamWindowBytes: 65_536 } },
    });
    const wide = calls.wide(1_000);
    await sleep(50);
    const ahead = counts.yields;
    expect(ahead).toBeLessThanOrEqual(70);
    for (let i = 0; i < 500; i++) await wide.receive();
    await sleep(30);
    expect(counts.yields).toBeGreaterThanOrEqual(500);
    expect(counts.yields).toBeLessThanOrEqual(500 + ahead + 5);
    wide.cancel();
    await session.close();
  });

  test("a stalled reader costs bounded memory, and others go on", async () => {
    const { calls, counts, server, client: session } = await open();
    const stalled = calls.wide(10_000);
    await stalled.receive();
    const end = performance.now() + Number(process.env["TIDEWAY_STALL_MS"] ?? 5_000);
    await settle();
    const { yields } = counts;
    const heap = process.memoryUsage().heapUsed;
    let answers = 0;
    while (performance.now() < end) {
      expect(await calls.add(answers)).toBe(++answers);
      expect(counts.yields).toBe(yields);
      expect(server.stats().queuedBytes).toBeLessThan(1_000_000);
      expect(session.stats().unreadBytes).toBeLessThanOrEqual(300_000);
      await sleep(5);
    }
    expect(answers).toBeGreaterThan(50);
    expect(process.memoryUsage().heapUsed - heap).toBeLessThan(64 << 20);
    stalled.cancel();
    await session.close();
  }, 120_000);

  test("a client stream waits for a handler that does not read", async () => {
    const { calls, gate, client: session } = await open();
    const upload = calls.upload();
    const text = "x".repeat(10_000);
    let sent = 0;
    while (upload.trySend(text)) expect(++sent).toBeLessThan(200);
    const waiting = upload.send(text);
    await settle();
    expect(upload.queuedBytes + sent).toBeGreaterThan(0);
    gate.resolve();
    await waiting;
    expect((await upload.finish()).length).toBe(100_000);
    await session.close();
  });

  test("answers that wait for credit hold no place, and all arrive", async () => {
    const {
      calls,
      gate,
      server,
      client: session,
    } = await open({
      server: { limits: { maxQueuedBytes: 1, maxCalls: 1 } },
      client: { limits: { streamWindowBytes: 4_096, sessionWindowBytes: 4_096 } },
    });
    gate.resolve();
    const unary = [1, 2, 3, 4].map((i) => calls.fill(i * 100_000));
    const lengths = (await Promise.all(unary)).map((text) => text.length);
    expect(lengths).toEqual([100_000, 200_000, 300_000, 400_000]);
    expect((await calls.upload().sendAll(["a"])).length).toBe(100_000);
    await until(() => callsOf(server).running === 0);
    await session.close();
  });
});

describe("leaks", () => {
  test("20,000 calls and 2,000 cancelled ones leave nothing behind", async () => {
    const limits = { resetsPerSecond: 100_000, resetBurst: 100_000 };
    const { calls, client: session, server } = await open({ client: { limits }, server: { limits } });
    const gc = (globalThis as { gc?: () => void }).gc;
    const fast = client(session, contract({ fill: api.fill }));
    for (let i = 0; i < 1_000; i += 100) await Promise.all(Array.from({ length: 100 }, () => fast.fill(1)));
    gc?.();
    const before = process.memoryUsage().heapUsed;
    for (let i = 0; i < 20_000; i += 100) await Promise.all(Array.from({ length: 100 }, () => fast.fill(1)));
    for (let i = 0; i < 2_000; i += 100) {
      const abort = new AbortController();
      setMaxListeners(0, abort.signal);
      const cancelled = Array.from({ length: 100 }, () =>
        failure(calls.hang(undefined, { signal: abort.signal })),
      );
      await settle(1);
      abort.abort();
      for (const error of await Promise.all(cancelled))
        expect(error).toMatchObject({ code: "ERR_CANCELLED" });
    }
    await until(() => session.stats().streams === 0 && server.stats().streams === 0);
    for (const end of [session, server]) {
      const { deadlines, running, waiting } = callsOf(end);
      expect([deadlines.empty, running, waiting]).toEqual([true, 0, 0]);
      expect(end.stats()).toMatchObject({ queuedBytes: 0, unreadBytes: 0, streams: 0 });
    }
    if (gc !== undefined) {
      gc();
      expect(process.memoryUsage().heapUsed - before).toBeLessThan(4 << 20);
    }
    await session.close();
  });
});
