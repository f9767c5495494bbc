import { describe, expect, test } from "vitest";
import { failure, openSessions } from "../../test/sessions.ts";
import {
  type AcceptOptions,
  CallError,
  type ClientMiddleware,
  client,
  contract,
  implement,
  type Middleware,
  serverStream,
  type,
  unary,
} from "../index.ts";

const api = contract({
  greet: unary({ input: type<string>(), output: type<string>() }),
  fail: unary({ input: type<void>(), output: type<void>() }),
  count: serverStream({ input: type<number>(), output: type<number>() }),
});

async function open(
  use: readonly Middleware[],
  options: AcceptOptions & { client?: ClientMiddleware[] } = {},
) {
  const log: string[] = [];
  const errors: unknown[] = [];
  const service = implement(
    api,
    {
      greet: (name, { state, headers }) => {
        log.push("handler");
        return `Hello ${name}${state.get("user") ?? ""}${headers.get("tone") ?? ""}`;
      },
      fail: () => Promise.reject(new Error("secret")),
      *count(to) {
        for (let i = 0; i < to; i++) yield i;
      },
    },
    { use, onError: (error) => errors.push(error) },
  );
  const sessions = await openSessions({ server: { ...options, onSession: (s) => service.attach(s) } });
  return { ...sessions, log, errors, calls: client(sessions.client, api, { use: options.client ?? [] }) };
}

describe("middleware of a service", () => {
  test("runs in order around the handler, the outermost first", async () => {
    const order: string[] = [];
    const around =
      (name: string): Middleware =>
      async (_, next) => {
        order.push(`${name} before`);
        await next();
        order.push(`${name} after`);
      };
    const { calls, client: session } = await open([around("a"), around("b")]);
    expect(await calls.greet("Ada")).toBe("Hello Ada");
    await calls.count(3).receive();
    expect(order.slice(0, 4)).toEqual(["a before", "b before", "b after", "a after"]);
    expect(order.slice(4, 6)).toEqual(["a before", "b before"]);
    await session.close();
  });

  test("may leave something for the handler", async () => {
    const { calls, client: session } = await open([
      async ({ state }, next) => {
        state.set("user", "!");
        await next();
      },
    ]);
    expect(await calls.greet("Ada")).toBe("Hello Ada!");
    await session.close();
  });

  test("may refuse a call before its handler runs", async () => {
    const guard: Middleware = async ({ principal, method }, next) => {
      if (principal !== "root" && method === "greet") {
        throw new CallError("ERR_AUTH", "ERR_AUTH", "Only root may greet");
      }
      await next();
    };
    const { calls, log, errors, client: session } = await open([guard], { authenticate: () => "guest" });
    expect(await failure(calls.greet("Ada"))).toMatchObject({
      code: "ERR_AUTH",
      message: "Only root may greet",
    });
    expect([log, errors]).toEqual([[], []]);
    const root = await open([guard], { authenticate: async () => "root" });
    expect(await root.calls.greet("Ada")).toBe("Hello Ada");
    await Promise.all([session.close(), root.client.close()]);
  });

  test("sees the errors of the handler as they are, and may exchange them", async () => {
    const seen: unknown[] = [];
    const { calls, client: session } = await open([
      async (_, next) => {
        await next().catch((error: unknown) => {
          seen.push(error);
          throw new CallError("ERR_OVERLOADED", "ERR_OVERLOADED", "Try later");
        });
      },
    ]);
    expect(await failure(calls.fail())).toMatchObject({ code: "ERR_OVERLOADED", message: "Try later" });
    expect(seen).toMatchObject([{ message: "secret" }]);
    await session.close();
  });

  test("that throws something else is an internal error", async () => {
    const { calls, errors, client: session } = await open([() => Promise.reject(new Error("secret"))]);
    expect(await failure(calls.greet("Ada"))).toMatchObject({
      code: "ERR_INTERNAL",
      message: "Internal error",
    });
    expect(errors).toMatchObject([{ message: "secret" }]);
    await session.close();
  });

  test("that throws after the answer changes nothing", async () => {
    const { calls, client: session } = await open([
      async (_, next) => {
        await next();
        throw new Error("too late");
      },
    ]);
    expect(await calls.greet("Ada")).toBe("Hello Ada");
    await session.close();
  });

  test.each<[string, Middleware]>([
    ["does not call next()", async () => {}],
    ["swallows the error", (_, next) => next().catch(() => {})],
  ])("that %s still gives the caller an answer", async (_, middleware) => {
    const { calls, errors, client: session } = await open([middleware]);
    expect(await failure(calls.fail())).toMatchObject({ code: "ERR_INTERNAL" });
    expect(String(errors[0])).toContain("middleware neither called next() to its end nor threw");
    await session.close();
  });

  test("that calls next() twice runs the handler once", async () => {
    const {
      calls,
      log,
      client: session,
    } = await open([
      async (_, next) => {
        await next();
        await next();
      },
    ]);
    expect(await calls.greet("Ada")).toBe("Hello Ada");
    expect(log).toEqual(["handler"]);
    await session.close();
  });
});

describe("middleware of a client", () => {
  test("runs in order and may change the options", async () => {
    const tone =
      (text: string): ClientMiddleware =>
      ({ method, options }) => ({
        ...options,
        headers: [["tone", `${new Map(options.headers).get("tone") ?? ""}${text}${method.length}`]],
      });
    const { calls, client: session } = await open([], { client: [tone("a"), tone("b")] });
    expect(await calls.greet("Ada", { headers: [["tone", "-"]] })).toBe("Hello Ada-a5b5");
    await session.close();
  });

  test("may refuse a call by throwing", async () => {
    const { calls, client: session } = await open([], {
      client: [
        () => {
          throw new RangeError("not now");
        },
      ],
    });
    expect(await failure(calls.greet("Ada"))).toBeInstanceOf(RangeError);
    expect(() => calls.count(1)).toThrow("not now");
    expect(session.stats().streams).toBe(0);
    await session.close();
  });
});
