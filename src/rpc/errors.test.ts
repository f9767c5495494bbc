import * as v from "valibot";
import { afterEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { failure, openSessions, type SessionPair, settle, until } from "../../test/sessions.ts";
import { encodeText } from "../core/bytes.ts";
import {
  CallError,
  client,
  clientStream,
  contract,
  errorOf,
  type Handlers,
  type ImplementOptions,
  implement,
  json,
  type MethodTree,
  serverStream,
  type,
  unary,
} from "../index.ts";
import { callsOf } from "./session-calls.ts";

let sessions: SessionPair | undefined;

async function open<M extends MethodTree>(api: M, handlers: Handlers<M>, options?: ImplementOptions) {
  const service = implement(api, handlers, options);
  sessions = await openSessions({ server: { onSession: (session) => service.attach(session) } });
  return client(sessions.client, api);
}

afterEach(async () => {
  const { client: caller, server } = sessions as SessionPair;
  await until(() => callsOf(server).running === 0 && callsOf(caller).waiting === 0);
  await until(() => caller.stats().streams === 0 && server.stats().streams === 0);
  await caller.close();
});

describe("an error of the contract", () => {
  const api = contract({
    buy: unary({
      input: type<string>(),
      output: type<void>(),
      errors: { SOLD_OUT: v.object({ left: v.number() }), CLOSED: type<undefined>() },
    }),
  });

  test("arrives with its name and details, and errorOf() knows it", async () => {
    const calls = await open(api, {
      buy: (_, context) => {
        throw context.error("SOLD_OUT", { left: 0 }, "Nothing is left");
      },
    });
    const error = await failure(calls.buy("shoes"));
    expect(error).toBeInstanceOf(CallError);
    expect(error).toMatchObject({ code: "ERR_APPLICATION", name: "SOLD_OUT", message: "Nothing is left" });
    expect(errorOf(api.buy, error)?.details).toEqual({ left: 0 });
    expect(errorOf({ errors: { OTHER: type<void>() } }, error)).toBe(undefined);
    expect(errorOf(api.buy, new Error("SOLD_OUT"))).toBe(undefined);
  });

  test("of a name that every object has is not mistaken", async () => {
    const calls = await open(api, {
      buy: () => {
        throw new CallError("ERR_APPLICATION", "toString", "x");
      },
    });
    const error = await failure(calls.buy("shoes"));
    expect(error).toMatchObject({ name: "toString" });
    expect(errorOf(api.buy, error)).toBe(undefined);
  });

  test("with details that are too long becomes an internal error", async () => {
    const calls = await open(api, {
      buy: (_, context) => {
        throw context.error("SOLD_OUT", { left: "x".repeat(70_000) } as never);
      },
    });
    expect(await failure(calls.buy("shoes"))).toMatchObject({
      code: "ERR_INTERNAL",
      message: "Internal error",
    });
  });
});

describe("an internal error", () => {
  const api = contract({
    sync: unary({ input: type<void>(), output: type<void>() }),
    rejects: unary({ input: type<void>(), output: type<void>() }),
    unencodable: unary({ input: type<void>(), output: type<unknown>() }),
    stream: serverStream({ input: type<void>(), output: type<number>() }),
    upload: clientStream({ input: type<void>(), output: type<void>() }),
  });
  const SECRET = "SELECT * FROM users /etc/passwd";
  const handlers: Handlers<typeof api> = {
    sync: () => {
      throw new Error(SECRET);
    },
    rejects: () => Promise.reject(new TypeError(SECRET)),
    unencodable: () => ({ big: 1n }),
    async *stream() {
      yield 1;
      throw new Error(SECRET);
    },
    upload: () => Promise.reject(SECRET),
  };

  test("is not described to the caller, but to onError", async () => {
    const seen: string[] = [];
    const calls = await open(api, handlers, {
      onError: (error, { method }) =>
        seen.push(`${method}: ${error instanceof Error ? error.message : error}`),
    });
    for (const call of [calls.sync(), calls.rejects(), calls.unencodable(), calls.upload().finish()]) {
      const error = (await failure(call)) as CallError;
      expect(error).toMatchObject({ code: "ERR_INTERNAL", message: "Internal error", details: undefined });
    }
    const numbers = calls.stream();
    expect(await numbers.receive()).toBe(1);
    expect(await failure(numbers.receive())).toMatchObject({ code: "ERR_INTERNAL" });
    expect(seen.sort()).toEqual([
      `rejects: ${SECRET}`,
      `stream: ${SECRET}`,
      `sync: ${SECRET}`,
      "unencodable: Cannot encode JSON: bigint",
      `upload: ${SECRET}`,
    ]);
  });

  test("leaves no trace in the bytes", async () => {
    const calls = await open(api, handlers);
    let bytes = "";
    const { a } = (sessions as SessionPair).pairs[0] as unknown as {
      a: { peer: { write: (lane: never, record: Uint8Array) => boolean } };
    };
    const write = a.peer.write.bind(a.peer);
    a.peer.write = (lane, record) => {
      bytes += Buffer.from(record).toString("latin1");
      return write(lane, record);
    };
    for (const call of [calls.sync(), calls.rejects(), calls.upload().finish()]) await failure(call);
    expect(bytes).toContain("Internal error");
    for (const part of ["SELECT", "passwd", "errors.test", "at ", ".ts"]) expect(bytes).not.toContain(part);
  });

  test("onError that throws harms nobody", async () => {
    const calls = await open(api, handlers, {
      onError: () => {
        throw new Error("logger is broken");
      },
    });
    expect(await failure(calls.sync())).toMatchObject({ code: "ERR_INTERNAL" });
    expect(await failure(calls.rejects())).toMatchObject({ code: "ERR_INTERNAL" });
  });

  test("a server stream that is no iterable is one, and is explained to onError", async () => {
    const seen: unknown[] = [];
    const calls = await open(
      api,
      { ...handlers, stream: (() => 5) as never },
      { onError: (e) => seen.push(e) },
    );
    expect(await failure(calls.stream().receive())).toMatchObject({ code: "ERR_INTERNAL" });
    expect(String(seen[0])).toContain("handler must return an iterable");
  });
});

describe("an error of a call that a handler makes", () => {
  test("is not passed on", async () => {
    const inner = contract({
      find: unary({ input: type<void>(), output: type<void>(), errors: { NO: type<string>() } }),
    });
    const backend = await openSessions({
      server: {
        onSession: (session) =>
          implement(inner, {
            find: (_, context) => {
              throw context.error("NO", "10.0.0.5", "no host 10.0.0.5");
            },
          }).attach(session),
      },
    });
    const seen: unknown[] = [];
    const outer = contract({ get: unary({ input: type<void>(), output: type<void>() }) });
    const calls = await open(
      outer,
      { get: () => client(backend.client, inner).find() },
      { onError: (error) => seen.push(error) },
    );
    expect(await failure(calls.get())).toMatchObject({ code: "ERR_INTERNAL", message: "Internal error" });
    expect(seen).toMatchObject([{ code: "ERR_APPLICATION", name: "NO" }]);
    await backend.client.close();
    expect(await failure(calls.get())).toMatchObject({ code: "ERR_INTERNAL", message: "Internal error" });
  });

  test("of a deadline is told as what it is", async () => {
    const inner = contract({ wait: unary({ input: type<void>(), output: type<void>() }) });
    const hang = implement(inner, {
      wait: (_, { signal }) => new Promise((_, no) => signal.addEventListener("abort", no)),
    });
    const backend = await openSessions({ server: { onSession: (session) => hang.attach(session) } });
    const calls = await open(inner, {
      wait: () => client(backend.client, inner).wait(undefined, { deadlineMs: 5 }),
    });
    expect(await failure(calls.wait())).toMatchObject({ code: "ERR_DEADLINE" });
    await backend.client.close();
  });
});

describe("validation", () => {
  const slow = z.number().refine(async (value) => value > 0, "must be positive");
  const api = contract({
    valibot: unary({ input: v.object({ age: v.pipe(v.number(), v.minValue(18)) }), output: v.string() }),
    zod: unary({ input: z.object({ age: z.number().min(18) }), output: z.string() }),
    slow: unary({ input: slow, output: slow }),
    dates: unary({ input: z.coerce.date(), output: z.string().transform((text) => text.length) }),
    upload: clientStream({ input: v.number(), output: v.number() }),
    numbers: serverStream({ input: v.number(), output: v.number() }),
    throws: unary({
      input: z.string().transform(() => {
        throw new Error("secret");
      }),
      output: z.string(),
    }),
  });
  let answer: unknown = "fine";
  const handlers = {
    valibot: () => answer,
    zod: () => answer,
    slow: () => answer,
    dates: (date: Date) => date.toISOString(),
    upload: async (numbers: AsyncIterable<number>) => {
      let sum = 0;
      for await (const number of numbers) sum += number;
      return sum;
    },
    numbers: () => [1, "two", 3],
    throws: () => "",
  } as unknown as Handlers<typeof api>;

  test.each(["valibot", "zod"] as const)("%s refuses a bad request and says why", async (name) => {
    const calls = await open(api, handlers);
    const error = (await failure(calls[name]({ age: 7 }))) as CallError;
    expect(error.code).toBe("ERR_VALIDATION");
    expect(error.message).toMatch(new RegExp(`^Cannot accept request of ${name}: age: .*18`));
    expect(error.details).toEqual([{ message: expect.stringContaining("18"), path: ["age"] }]);
  });

  test.each(["valibot", "zod"] as const)("%s sends back neither the value nor the schema", async (name) => {
    const calls = await open(api, handlers);
    const error = (await failure(calls[name]({ age: 7, text: "x".repeat(60_000) } as never))) as CallError;
    expect(error.code).toBe("ERR_VALIDATION");
    expect(JSON.stringify(error.details).length).toBeLessThan(200);
  });

  test.each(["valibot", "zod"] as const)("%s refuses a bad answer at the caller", async (name) => {
    answer = 5;
    const calls = await open(api, handlers);
    const error = (await failure(calls[name]({ age: 20 }))) as CallError;
    expect(error.code).toBe("ERR_VALIDATION");
    expect(error.message).toMatch(new RegExp(`^Cannot accept answer of ${name}: `));
  });

  test("may be asynchronous on both sides", async () => {
    answer = 3;
    const calls = await open(api, handlers);
    expect(await calls.slow(1)).toBe(3);
    expect(await failure(calls.slow(-1))).toMatchObject({
      message: "Cannot accept request of slow: must be positive",
    });
    answer = -3;
    expect(await failure(calls.slow(1))).toMatchObject({
      message: "Cannot accept answer of slow: must be positive",
    });
  });

  test("may change the value on both sides", async () => {
    const calls = await open(api, handlers);
    expect(await calls.dates("2024-01-01" as never)).toBe("2024-01-01T00:00:00.000Z".length);
  });

  test("that throws is an internal error", async () => {
    const seen: unknown[] = [];
    const calls = await open(api, handlers, { onError: (error) => seen.push(error) });
    expect(await failure(calls.throws(""))).toMatchObject({
      code: "ERR_INTERNAL",
      message: "Internal error",
    });
    expect(String(seen[0])).toContain("secret");
  });

  test("looks at every message of a stream, in both directions", async () => {
    const calls = await open(api, handlers);
    expect(await failure(calls.upload().sendAll([1, "two" as never, 3]))).toMatchObject({
      code: "ERR_VALIDATION",
    });
    const numbers = calls.numbers(1);
    expect(await numbers.receive()).toBe(1);
    expect(await failure(numbers.receive())).toMatchObject({ code: "ERR_VALIDATION" });
    expect(await failure(numbers.receive())).toMatchObject({ code: "ERR_VALIDATION" });
  });
});

describe("a peer that does not keep to the contract", () => {
  const api = contract({
    known: unary({ input: type<unknown>(), output: type<unknown>() }),
    part: { inner: unary({ input: type<void>(), output: type<void>() }) },
    many: serverStream({ input: type<number>(), output: type<number>() }),
  });
  const handlers: Handlers<typeof api> = {
    known: (value) => value,
    part: { inner: () => {} },
    many: () => [],
  };

  test.each([
    "unknown",
    "",
    "part",
    "part.",
    "part.inner.call",
    "known.constructor",
    "__proto__",
    "constructor",
    "toString",
    "hasOwnProperty",
    "then",
  ])("gets ERR_UNKNOWN_METHOD for %j", async (name) => {
    await open(api, handlers);
    const stream = sessions?.client.openStream(name, { codec: json });
    stream?.trySend("x");
    expect(await failure(stream?.receive() as Promise<unknown>)).toMatchObject({
      code: "ERR_UNKNOWN_METHOD",
    });
    expect(await client(sessions?.client as never, api).known(1)).toBe(1);
  });

  test.each(["known", "many"])("gets ERR_VALIDATION when it sends no request to %s", async (name) => {
    await open(api, handlers);
    const stream = sessions?.client.open(name, {}, 3);
    stream?.finish();
    await until(() => stream?.receive.finished === true);
    stream?.read();
    expect(stream?.receive.trailer?.failure?.code).toBe("ERR_VALIDATION");
  });

  test("gets ERR_DECODE for bytes that are no value", async () => {
    await open(api, handlers);
    const stream = sessions?.client.open("known", {}, 3);
    stream?.trySend(encodeText("{oops"));
    stream?.finish();
    await until(() => stream?.receive.finished === true);
    stream?.read();
    expect(stream?.receive.trailer?.failure).toMatchObject({
      code: "ERR_DECODE",
      message: "Cannot decode JSON: malformed text",
    });
  });

  test("gets ERR_CODEC for a codec that is not known here", async () => {
    await open(api, handlers);
    const stream = sessions?.client.open("known", { codec: 9 }, 3);
    stream?.trySend(encodeText("1"));
    stream?.finish();
    await until(() => stream?.receive.error !== undefined);
    expect(stream?.receive.error?.code).toBe("ERR_CODEC");
  });

  test("a request with __proto__ or constructor is plain data", async () => {
    const calls = await open(api, handlers);
    const hostile = JSON.parse(
      '{"__proto__":{"admin":true},"constructor":{"prototype":{"admin":true}},"then":1}',
    );
    const echoed = (await calls.known(hostile)) as Record<string, unknown>;
    expect(echoed["admin"]).toBe(undefined);
    expect(({} as Record<string, unknown>)["admin"]).toBe(undefined);
    expect(Object.keys(echoed)).toEqual(["__proto__", "constructor", "then"]);
  });

  test("that answers a unary call twice, or not at all, fails that call", async () => {
    const opened = await openSessions({
      server: {
        onSession: (session) => {
          session.addStreamHandler((stream) => {
            for (let i = 0; i < (stream.name === "known" ? 2 : 0); i++) stream.trySend(encodeText("1"));
            stream.finish();
            stream.owner = { notify: () => stream.read() };
            stream.release();
            return true;
          });
        },
      },
    });
    sessions = opened;
    const calls = client(opened.client, {
      ...api,
      sum: clientStream({ input: type<number>(), output: type<number>() }),
    });
    expect(await failure(calls.known(1))).toMatchObject({
      code: "ERR_PROTOCOL",
      message: "Peer answered more than once",
    });
    expect(await failure(calls.part.inner())).toMatchObject({
      code: "ERR_PROTOCOL",
      message: "Peer ended the call without an answer",
    });
    expect(await failure(calls.sum().finish())).toMatchObject({
      code: "ERR_PROTOCOL",
      message: "Peer ended the call without an answer",
    });
    await settle();
  });
});

describe("codecs", () => {
  test("without one in common a call fails with both lists", async () => {
    const other = { ...json, name: "other" };
    const api = contract({ get: unary({ input: type<void>(), output: type<void>() }) });
    const opened = await openSessions({ client: { codecs: [other] } });
    sessions = opened;
    const error = await failure(client(opened.client, api).get());
    expect(error).toMatchObject({
      code: "ERR_CODEC",
      message: "Cannot call: peer has codecs json, this side other",
    });
  });
});
