// What the compiler infers. Nothing here runs: `npm run check` compiles this file, and `expectTypeOf` does nothing.
import * as v from "valibot";
import { describe, expectTypeOf, test } from "vitest";
import { z } from "zod";
import {
  type CallContext,
  type CallError,
  type CallOptions,
  type CallStream,
  type Client,
  type ClientStreamCall,
  client,
  clientStream,
  contract,
  duplex,
  type ErrorOf,
  errorOf,
  type Handlers,
  type InputOf,
  implement,
  type OutputOf,
  type Schema,
  type Session,
  serverStream,
  type,
  unary,
} from "../../src/index.ts";

const valibotUser = v.object({ name: v.string(), age: v.optional(v.number(), 0) });
const zodUser = z.object({ name: z.string(), age: z.number().default(0) });
const valibotDate = v.pipe(
  v.string(),
  v.transform((text) => new Date(text)),
);
const zodDate = z.string().transform((text) => new Date(text));

const byValibot = contract({
  save: unary({
    input: valibotUser,
    output: valibotDate,
    errors: { TAKEN: v.object({ by: v.string() }), FULL: v.object({ most: v.number() }) },
  }),
  list: serverStream({ input: v.number(), output: valibotUser }),
  load: clientStream({ input: valibotUser, output: v.number() }),
  chat: duplex({ input: v.string(), output: valibotDate }),
  room: { seats: { free: unary({ input: type<void>(), output: v.number() }) } },
});

const byZod = contract({
  save: unary({
    input: zodUser,
    output: zodDate,
    errors: { TAKEN: z.object({ by: z.string() }), FULL: z.object({ most: z.number() }) },
  }),
  list: serverStream({ input: z.number(), output: zodUser }),
  load: clientStream({ input: zodUser, output: z.number() }),
  chat: duplex({ input: z.string(), output: zodDate }),
  room: { seats: { free: unary({ input: type<void>(), output: z.number() }) } },
});

interface Given {
  readonly name: string;
  readonly age?: number | undefined;
}
interface Read {
  readonly name: string;
  readonly age: number;
}

/** The same for both libraries: a caller gives inputs and gets outputs, a handler the other way round. */
function checkClient(calls: Client<typeof byValibot> | Client<typeof byZod>): void {
  expectTypeOf(calls.save({ name: "a" })).toEqualTypeOf<Promise<Date>>();
  expectTypeOf(calls.save({ name: "a", age: 1 }, { deadlineMs: 1 })).toEqualTypeOf<Promise<Date>>();
  expectTypeOf(calls.room.seats.free()).toEqualTypeOf<Promise<number>>();
  expectTypeOf(calls.room.seats.free(undefined, {})).toEqualTypeOf<Promise<number>>();
  expectTypeOf<Awaited<ReturnType<ReturnType<typeof calls.list>["receive"]>>>().toMatchTypeOf<
    Read | undefined
  >();
  expectTypeOf(calls.load()).toMatchTypeOf<ClientStreamCall<{ name: string }, number>>();
  expectTypeOf(calls.load().sendAll([{ name: "a" }])).toEqualTypeOf<Promise<number>>();
  expectTypeOf(calls.chat()).toEqualTypeOf<CallStream<string, Date>>();
}

function wrongCalls(calls: Client<typeof byValibot>): void {
  // @ts-expect-error the input lacks its name
  calls.save({ age: 1 });
  // @ts-expect-error the name is text
  calls.save({ name: 5 });
  // @ts-expect-error there is no such field
  calls.save({ name: "a", extra: 1 });
  // @ts-expect-error there is no such method
  calls.remove();
  // @ts-expect-error there is no such method in the part
  calls.room.seats.taken();
  // @ts-expect-error a part is no method
  calls.room();
  // @ts-expect-error an argument is missing
  calls.save();
  // @ts-expect-error the answer is a date
  const text: Promise<string> = calls.save({ name: "a" });
  // @ts-expect-error there is no such option
  calls.save({ name: "a" }, { timeout: 5 });
  // @ts-expect-error who reads a server stream has nothing to send
  calls.list(1).send(2);
  // @ts-expect-error a client stream sends users
  calls.load().send("user");
  // @ts-expect-error a duplex call sends text
  calls.chat().trySend(1);
  void text;
}

function wrongContracts(): void {
  // @ts-expect-error a schema is no method
  contract({ name: v.string() });
  // @ts-expect-error the output is missing
  unary({ input: v.string() });
  // @ts-expect-error a type is no schema
  unary({ input: String, output: v.string() });
}

/** Only what has one message each way can be sent again. */
function checkIdempotent(calls: Client<typeof byValibot>): void {
  expectTypeOf(calls.save({ name: "a" }, { idempotencyKey: "a" })).toEqualTypeOf<Promise<Date>>();
  expectTypeOf<CallOptions["idempotencyKey"]>().toEqualTypeOf<string | undefined>();
  const safe = unary({
    input: v.number(),
    output: v.string(),
    errors: { TAKEN: v.object({ by: v.string() }) },
    idempotent: true,
  });
  expectTypeOf(safe.idempotent).toEqualTypeOf<boolean>();
  expectTypeOf<ErrorOf<typeof safe.errors>["name"]>().toEqualTypeOf<"TAKEN">();
  expectTypeOf<Client<{ safe: typeof safe }>["safe"]>().toEqualTypeOf<
    (input: number, options?: CallOptions) => Promise<string>
  >();
  // @ts-expect-error a key is text
  calls.save({ name: "a" }, { idempotencyKey: 5 });
  // @ts-expect-error a server stream is not sent again
  calls.list(1, { idempotencyKey: "a" });
  // @ts-expect-error nor is a client stream
  calls.load({ idempotencyKey: "a" });
  // @ts-expect-error nor is a duplex call
  calls.chat({ idempotencyKey: "a" });
  // @ts-expect-error only unary methods are idempotent
  serverStream({ input: v.number(), output: v.string(), idempotent: true });
  // @ts-expect-error only unary methods are idempotent
  clientStream({ input: v.number(), output: v.string(), idempotent: true });
  // @ts-expect-error only unary methods are idempotent
  duplex({ input: v.number(), output: v.string(), idempotent: true });
  // @ts-expect-error it is or it is not
  unary({ input: v.number(), output: v.string(), idempotent: "yes" });
}

function wrongHandlers(handlers: Handlers<typeof byZod>): void {
  const { chat, list, load, room, save } = handlers;
  // @ts-expect-error save is missing
  implement(byZod, { chat, list, load, room });
  // @ts-expect-error the part is not complete
  implement(byZod, { chat, list, load, save, room: { seats: {} } });
  // @ts-expect-error there is no such method
  implement(byZod, { chat, list, load, room, save, other: () => {} });
  // @ts-expect-error the answer is the text that the schema makes a date of
  implement(byZod, { chat, list, load, room, save: () => new Date() });
  // @ts-expect-error a server stream gives many
  implement(byZod, { chat, load, room, save, list: async () => ({ name: "a" }) });
}

describe("types", () => {
  test("a client of both libraries", () => {
    void checkClient;
    void wrongCalls;
    void wrongContracts;
    void checkIdempotent;
    void wrongHandlers;
  });

  test("handlers get outputs of inputs, and give inputs of outputs", () => {
    void (() =>
      implement(byValibot, {
        save: (user, context) => {
          expectTypeOf(user).toEqualTypeOf<{ name: string; age: number }>();
          expectTypeOf(context.error).parameter(0).toEqualTypeOf<"TAKEN" | "FULL">();
          expectTypeOf(context.signal).toEqualTypeOf<AbortSignal>();
          // @ts-expect-error the details of TAKEN are others
          context.error("TAKEN", { most: 1 });
          // @ts-expect-error the contract has no such error
          context.error("OTHER", {});
          return "2024-01-01";
        },
        *list(count) {
          expectTypeOf(count).toEqualTypeOf<number>();
          yield { name: "a" };
        },
        async load(users, context) {
          expectTypeOf(users).toEqualTypeOf<AsyncIterable<{ name: string; age: number }>>();
          // @ts-expect-error the contract has no errors for this method
          context.error("TAKEN", { by: "me" });
          return 1;
        },
        async *chat(messages) {
          for await (const message of messages) yield message;
        },
        room: { seats: { free: () => 1 } },
      }));
    expectTypeOf<Handlers<typeof byZod>["save"]>()
      .parameter(0)
      .toEqualTypeOf<{ name: string; age: number }>();
    expectTypeOf<Handlers<typeof byZod>["save"]>().returns.toEqualTypeOf<string | Promise<string>>();
    expectTypeOf<Handlers<typeof byZod>["load"]>()
      .parameter(0)
      .toEqualTypeOf<AsyncIterable<{ name: string; age: number }>>();
    expectTypeOf<Handlers<typeof byZod>["chat"]>().returns.toEqualTypeOf<
      AsyncIterable<string> | Iterable<string>
    >();
  });

  test("errors of a method have their own details", () => {
    type Errors = ErrorOf<typeof byValibot.save.errors>;
    expectTypeOf<Errors["name"]>().toEqualTypeOf<"TAKEN" | "FULL">();
    expectTypeOf<Extract<Errors, { name: "TAKEN" }>["details"]>().toEqualTypeOf<{ by: string }>();
    expectTypeOf<Extract<Errors, { name: "FULL" }>["details"]>().toEqualTypeOf<{ most: number }>();
    expectTypeOf<Errors>().toMatchTypeOf<CallError>();
    void ((caught: unknown) => {
      const error = errorOf(byZod.save, caught);
      if (error?.name === "TAKEN") expectTypeOf(error.details.by).toEqualTypeOf<string>();
      // @ts-expect-error only FULL says how many
      if (error?.name === "TAKEN") error.details.most;
    });
    expectTypeOf<ErrorOf<typeof byZod.list.errors>>().toEqualTypeOf<never>();
  });

  test("schemas of both libraries and type() are schemas", () => {
    expectTypeOf(valibotUser).toMatchTypeOf<Schema>();
    expectTypeOf(zodUser).toMatchTypeOf<Schema>();
    expectTypeOf<InputOf<typeof zodDate>>().toEqualTypeOf<string>();
    expectTypeOf<OutputOf<typeof valibotDate>>().toEqualTypeOf<Date>();
    expectTypeOf(type<Given>()).toEqualTypeOf<Schema<Given>>();
  });

  test("client() and the context's options fit together", () => {
    expectTypeOf<CallContext["forward"]>().returns.toEqualTypeOf<CallOptions>();
    void ((session: Session) => expectTypeOf(client(session, byZod)).toEqualTypeOf<Client<typeof byZod>>());
  });
});
