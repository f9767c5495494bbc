import { describe, expect, test } from "vitest";
import { api, KEY, openKeyed } from "../../test/keyed.ts";
import { Reconnecting } from "../../test/reconnecting.ts";
import { failure, until } from "../../test/sessions.ts";
import {
  CallError,
  client,
  contract,
  IdempotencyWindow,
  implement,
  json,
  raw,
  type,
  unary,
} from "../index.ts";

describe("a repeat", () => {
  test("is answered without the handler, over the same session and the next one", async () => {
    const { calls, contexts, counters, network, session } = await openKeyed({ handle: (n) => n + 1 });
    expect(await calls.add(1, KEY)).toBe(2);
    expect(await calls.add(1, KEY)).toBe(2);
    network.cut();
    expect(await calls.add(1, KEY)).toBe(2);
    expect(contexts).toHaveLength(1);
    expect(counters()).toEqual({ stored: 1, replayed: 2 });
    await session.close();
  });

  test("has a key, a method and a caller; another of these is another call", async () => {
    let principal: unknown = "ann";
    const { calls, contexts, network, session } = await openKeyed({
      handle: (n) => n,
      server: { authenticate: () => principal },
    });
    await calls.add(1, KEY);
    await calls.sub(1, KEY);
    await calls.add(1, { idempotencyKey: "other" });
    await calls.add(1);
    expect(contexts).toHaveLength(4);
    principal = "bob";
    network.cut();
    await until(() => network.connections === 2 && session.state === "open");
    await calls.add(1, KEY);
    expect(contexts).toHaveLength(5);
    await session.close();
  });

  test("of a caller without an identity runs again", async () => {
    const authenticate = () => new Map();
    const { calls, contexts, counters, session } = await openKeyed({
      handle: (n) => n,
      server: { authenticate },
    });
    await calls.add(1, KEY);
    await calls.add(1, KEY);
    expect(contexts).toHaveLength(2);
    expect(counters()).toEqual({});
    await session.close();
  });

  test("is found by what identify makes of the principal", async () => {
    let issuedAt = 0;
    const window = new IdempotencyWindow({ identify: (principal) => (principal as { id: string }).id });
    const { calls, contexts, network, session } = await openKeyed({
      handle: (n) => n,
      window,
      server: { authenticate: () => ({ id: "ann", issuedAt: issuedAt++ }) },
    });
    await calls.add(1, KEY);
    network.cut();
    await calls.add(1, KEY);
    expect(contexts).toHaveLength(1);
    await session.close();
  });

  test.each([
    [new CallError("ERR_APPLICATION", "FULL", "no room", { most: 3 }), "ERR_APPLICATION"],
    [new CallError("ERR_VALIDATION", "ERR_VALIDATION", "odd"), "ERR_VALIDATION"],
    [new Error("secret"), "ERR_INTERNAL"],
  ])("of a call that failed fails in the same way: %s", async (thrown, code) => {
    const errors: unknown[] = [];
    const { calls, contexts, counters, session } = await openKeyed({
      handle: () => {
        throw thrown;
      },
      onError: (error) => errors.push(error),
    });
    const first = (await failure(calls.add(1, KEY))) as CallError;
    const second = (await failure(calls.add(1, KEY))) as CallError;
    expect(first.code).toBe(code);
    for (const field of ["code", "name", "message", "details"] as const) {
      expect(second[field]).toEqual(first[field]);
    }
    expect([contexts.length, errors.length]).toEqual([1, code === "ERR_INTERNAL" ? 1 : 0]);
    expect(counters()).toEqual({ stored: 1, replayed: 1 });
    await session.close();
  });

  test.each(["ERR_CANCELLED", "ERR_DEADLINE", "ERR_OVERLOADED", "ERR_CONNECTION_LOST"] as const)(
    "of a call that failed with %s runs again",
    async (code) => {
      let first = true;
      const { calls, contexts, session } = await openKeyed({
        handle: (n) => {
          if (!first) return n;
          first = false;
          throw new CallError(code, code, "not now");
        },
      });
      await failure(calls.add(1, KEY));
      expect(await calls.add(1, KEY)).toBe(1);
      expect(contexts).toHaveLength(2);
      await session.close();
    },
  );

  test("with another request fails, and does not run", async () => {
    const { calls, contexts, counters, session } = await openKeyed({ handle: (n) => n });
    await calls.add(1, KEY);
    expect(await failure(calls.add(2, KEY))).toMatchObject({
      code: "ERR_VALIDATION",
      message: "Cannot call add: its idempotency key was used for another request",
    });
    expect(await calls.add(1, KEY)).toBe(1);
    expect([contexts.length, counters().conflicts]).toEqual([1, 1]);
    await session.close();
  });

  test("in another codec is another request", async () => {
    const window = new IdempotencyWindow();
    const codecs = [{ ...json, name: "same-bytes" }];
    const one = await openKeyed({ handle: (n) => n, window });
    const two = await openKeyed({ handle: (n) => n, window, client: { codecs }, server: { codecs } });
    expect(await one.calls.add(1, KEY)).toBe(1);
    expect(await failure(two.calls.add(1, KEY))).toMatchObject({ code: "ERR_VALIDATION" });
    expect(two.contexts).toHaveLength(0);
    await one.session.close();
    await two.session.close();
  });

  test("goes through the middleware, which may refuse it", async () => {
    let isOpen = true;
    let passed = 0;
    const { calls, contexts, session } = await openKeyed({
      handle: (n) => n,
      use: [
        async (_, next) => {
          if (!isOpen) throw new CallError("ERR_AUTH", "ERR_AUTH", "no more");
          passed++;
          await next();
        },
      ],
    });
    await calls.add(1, KEY);
    await calls.add(1, KEY);
    isOpen = false;
    expect(await failure(calls.add(1, KEY))).toMatchObject({ code: "ERR_AUTH" });
    isOpen = true;
    expect(await calls.add(1, KEY)).toBe(1);
    expect([contexts.length, passed]).toEqual([1, 3]);
    await session.close();
  });

  test("fails with what the middleware made of the first failure", async () => {
    const { calls, contexts, session } = await openKeyed({
      handle: () => {
        throw new RangeError("of the domain");
      },
      use: [
        async (context, next) => {
          try {
            await next();
          } catch (error) {
            throw error instanceof RangeError
              ? new CallError("ERR_APPLICATION", "FULL", "no room", { most: 1 }, context.method)
              : error;
          }
        },
      ],
    });
    for (let i = 0; i < 2; i++) {
      expect(await failure(calls.add(1, KEY))).toMatchObject({ name: "FULL", details: { most: 1 } });
    }
    expect(contexts).toHaveLength(1);
    await session.close();
  });

  test("gets the answer, whatever the middleware did after it", async () => {
    const errors: unknown[] = [];
    const { calls, contexts, session } = await openKeyed({
      handle: (n) => n,
      onError: (error) => errors.push(error),
      use: [
        async (_, next) => {
          await next();
          throw new Error("too late");
        },
      ],
    });
    expect(await calls.add(1, KEY)).toBe(1);
    expect(await calls.add(1, KEY)).toBe(1);
    expect([contexts.length, errors.length]).toEqual([1, 0]);
    await session.close();
  });

  test("gets the bytes of the first answer, although the handler uses its own again", async () => {
    const shared = Uint8Array.of(1);
    const bytes = contract({ next: unary({ input: type<Uint8Array>(), output: type<Uint8Array>() }) });
    const service = implement(bytes, { next: () => shared });
    const options = { codecs: [raw] };
    const network = await Reconnecting.open({
      client: options,
      server: () => ({ ...options, onSession: service.attach }),
    });
    const { next } = client(network.session, bytes);
    expect(await next(new Uint8Array(2), KEY)).toEqual(Uint8Array.of(1));
    shared[0] = 2;
    expect(await next(new Uint8Array(2), KEY)).toEqual(Uint8Array.of(1));
    await network.session.close();
  });
});

describe("implement()", () => {
  test("makes a window of options, and one of none", async () => {
    let runs = 0;
    for (const idempotency of [undefined, { maxEntries: 1 }]) {
      const options = idempotency === undefined ? {} : { idempotency };
      const handle = () => ++runs;
      const service = implement(api, { add: handle, sub: handle }, options);
      const network = await Reconnecting.open({ server: () => ({ onSession: service.attach }) });
      const calls = client(network.session, api);
      const first = await calls.add(1, KEY);
      expect(await calls.add(1, KEY)).toBe(first);
      await calls.sub(1, KEY);
      const third = await calls.add(1, KEY);
      expect(third === first).toBe(idempotency === undefined);
      await network.session.close();
    }
    expect(() => implement(api, {} as never, { idempotency: { keepMs: -1 } })).toThrow();
  });
});
