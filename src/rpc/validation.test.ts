import * as v from "valibot";
import { afterEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { ServiceSite } from "../../test/service-site.ts";
import { failure } from "../../test/sessions.ts";
import { type CallError, clientStream, contract, type Handlers, serverStream, unary } from "../index.ts";

const site = new ServiceSite();
const { open } = site;

afterEach(() => site.close());

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
