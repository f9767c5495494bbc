import * as v from "valibot";
import { afterEach, describe, expect, test } from "vitest";
import { ServiceSite } from "../../test/service-site.ts";
import { failure, openSessions } from "../../test/sessions.ts";
import {
  CallError,
  client,
  clientStream,
  contract,
  errorOf,
  type Handlers,
  implement,
  serverStream,
  type,
  unary,
} from "../index.ts";

const site = new ServiceSite();
const { open } = site;

afterEach(() => site.close());

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
    const { a } = site.sessions.pairs[0] as unknown as {
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
