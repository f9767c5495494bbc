import { afterEach, describe, expect, test } from "vitest";
import { failure, openSessions, type SessionPair } from "../../test/sessions.ts";
import { jsonCodec } from "../core/codecs/json.ts";
import { msgpackCodec } from "../core/codecs/msgpack.ts";
import { type CompiledSchema, schema as s } from "../core/schema/index.ts";
import {
  CallError,
  client,
  clientStream,
  contract,
  duplex,
  errorOf,
  implement,
  serverStream,
  type,
  unary,
} from "../index.ts";

const order = s.struct({ id: s.u64, at: s.date, tags: s.array(s.string), body: s.optional(s.bytes) });
const value = { id: 2n ** 60n, at: new Date(5), tags: ["a", "b"], body: Uint8Array.of(1, 2) };
const api = contract({
  echo: unary({
    input: order,
    output: order,
    errors: { TAKEN: type<{ by: string }>() },
  }),
  list: serverStream({ input: s.u8, output: order }),
  count: clientStream({ input: order, output: s.u32 }),
  chat: duplex({ input: s.string, output: s.string }),
  plain: unary({ input: type<{ a: number }>(), output: type<number>() }),
  half: unary({ input: s.u8, output: type<number>() }),
  nothing: unary({ input: s.nothing, output: s.nothing }),
});

const service = implement(api, {
  echo: (input, context) => {
    if (input.tags[0] === "taken") throw context.error("TAKEN", { by: "me" });
    return input;
  },
  *list(count) {
    for (let i = 0; i < count; i++) yield { ...value, id: BigInt(i) };
  },
  async count(orders) {
    let total = 0;
    for await (const _ of orders) total++;
    return total;
  },
  async *chat(messages) {
    for await (const message of messages) yield message.toUpperCase();
  },
  plain: ({ a }) => a + 1,
  half: (n) => n + 1,
  nothing: () => undefined,
});

let sessions: SessionPair;
const codecs = [msgpackCodec(), jsonCodec()];

/** Names of the streams that the server saw. */
const names: string[] = [];

async function open(options: Parameters<typeof openSessions>[0] = {}): Promise<SessionPair> {
  names.length = 0;
  sessions = await openSessions(options);
  sessions.server.addStreamHandler((stream) => {
    names.push(`${stream.name}${stream.metadata?.schema === undefined ? "" : " with schemas"}`);
    return false;
  });
  return sessions;
}

afterEach(() => sessions?.client.close());

describe("calls with compiled schemas", () => {
  test("all shapes carry what JSON cannot, although the sessions have JSON alone", async () => {
    await open();
    service.attach(sessions.server);
    const calls = client(sessions.client, api);
    expect(await calls.echo(value)).toStrictEqual(value);
    const listed = [];
    for await (const one of calls.list(3)) listed.push(one.id);
    expect(listed).toStrictEqual([0n, 1n, 2n]);
    expect(await calls.count().sendAll([value, value])).toBe(2);
    const chat = calls.chat();
    await chat.send("hi");
    expect(await chat.receive()).toBe("HI");
    chat.end();
    expect(await calls.plain({ a: 1 })).toBe(2);
    expect(await calls.half(1)).toBe(2);
    expect(await calls.nothing(undefined)).toBe(undefined);
  });

  test("the name says the schemas, and their text goes along until the peer has answered", async () => {
    await open();
    service.attach(sessions.server);
    const calls = client(sessions.client, api);
    const name = `echo#${order.digest}${order.digest}`;
    await Promise.all([calls.echo(value), calls.echo(value)]);
    await calls.echo(value);
    await calls.plain({ a: 1 });
    expect(names).toStrictEqual([`${name} with schemas`, `${name} with schemas`, name, "plain"]);
  });

  test("the handler sees the name of its method alone", async () => {
    await open();
    const one = contract({ room: { join: unary({ input: s.u8, output: s.string }) } });
    implement(one, { room: { join: (_, context) => context.method } }).attach(sessions.server);
    expect(await client(sessions.client, one).room.join(1)).toBe("room.join");
  });

  test("a service leaves the methods of others to them, the same each time", async () => {
    await open();
    const other = contract({ double: unary({ input: s.u8, output: s.u8 }) });
    service.attach(sessions.server);
    implement(other, { double: (n) => n * 2 }).attach(sessions.server);
    const calls = client(sessions.client, other);
    expect([await calls.double(1), await calls.double(2)]).toStrictEqual([2, 4]);
    expect(await client(sessions.client, api).echo(value)).toStrictEqual(value);
    expect(await calls.double(3)).toBe(6);
  });

  test("errors of the contract travel in the codec of the session", async () => {
    await open();
    service.attach(sessions.server);
    const error = await failure(client(sessions.client, api).echo({ ...value, tags: ["taken"] }));
    expect(errorOf(api.echo, error)?.details).toStrictEqual({ by: "me" });
  });

  test("a value that does not fit fails here, with its place", async () => {
    await open();
    service.attach(sessions.server);
    const calls = client(sessions.client, api);
    await expect(calls.echo({ ...value, tags: [1] } as never)).rejects.toThrow("tags.0: expected string");
    expect(() => calls.list(300)).toThrow("expected u8");
    expect(await calls.echo(value)).toStrictEqual(value);
  });

  test("bytes that are not of the schema fail the call alone", async () => {
    await open();
    service.attach(sessions.server);
    const name = `echo#${order.digest}${order.digest}`;
    const stream = sessions.client.openStream(name);
    stream.trySend(Uint8Array.of(1, 2, 3));
    await stream.close();
    expect(await stream.receive()).toBe(undefined);
    expect(await client(sessions.client, api).echo(value)).toStrictEqual(value);
  });
});

describe("calls between versions", () => {
  const older = s.struct({ id: s.u32, name: s.string });
  const newer = s.struct({ id: s.u32, name: s.string, note: s.optional(s.string) });
  const other = s.struct({ id: s.u32, name: s.bytes });
  const of = <T>(schema: CompiledSchema<T>) =>
    contract({
      echo: unary({ input: schema, output: schema }),
      list: serverStream({ input: schema, output: schema }),
    });
  const serving = <T>(schema: CompiledSchema<T>) =>
    implement(of(schema), {
      echo: (input) => input as never,
      *list(input) {
        yield input as never;
      },
    });

  test("with more optional fields on either side read each other at once, streams too", async () => {
    await open();
    serving(older).attach(sessions.server);
    const full = { id: 1, name: "a", note: "n" };
    const calls = client(sessions.client, of(newer));
    const listed = [];
    for await (const one of calls.list(full)) listed.push(one);
    expect(listed).toStrictEqual([{ id: 1, name: "a" }]);
    expect(await calls.echo(full)).toStrictEqual({ id: 1, name: "a" });
    expect(await calls.echo(full)).toStrictEqual({ id: 1, name: "a" });
    const suffix = `#${newer.digest}${newer.digest}`;
    expect(names).toStrictEqual([
      `list${suffix} with schemas`,
      `echo${suffix} with schemas`,
      `echo${suffix}`,
    ]);
    serving(newer).attach(sessions.client);
    expect(await client(sessions.server, of(older)).echo({ id: 1, name: "b" })).toStrictEqual({
      id: 1,
      name: "b",
    });
  });

  test("are remembered, whatever else the session was asked for before", async () => {
    await open();
    serving(older).attach(sessions.server);
    for (let i = 0; i < 300; i++) {
      const unknown = contract({ [`method${i}`]: unary({ input: s.u8, output: s.u8 }) });
      const call = client(sessions.client, unknown)[`method${i}`];
      await expect(call?.(1)).rejects.toMatchObject({ code: "ERR_UNKNOWN_METHOD" });
    }
    const calls = client(sessions.client, of(newer));
    for (let round = 0; round < 3; round++) {
      const listed = [];
      for await (const one of calls.list({ id: round, name: "a", note: "n" })) listed.push(one);
      expect(listed).toStrictEqual([{ id: round, name: "a" }]);
    }
  });

  test("that cannot, use MessagePack where both have it", async () => {
    const both = { codecs: [jsonCodec(), msgpackCodec()] };
    await open({ client: both, server: both });
    const dated = s.struct({ at: s.date, id: s.u8 });
    const swapped = s.struct({ id: s.u8, at: s.date });
    serving(swapped).attach(sessions.server);
    const calls = client(sessions.client, of(dated));
    const value = { id: 1, at: new Date(7) };
    expect(await calls.echo(value)).toStrictEqual(value);
    expect(await calls.echo(value)).toStrictEqual(value);
    expect(names).toStrictEqual([`echo#${dated.digest}${dated.digest} with schemas`, "echo", "echo"]);
  });

  test("a stream that is refused fails, and the next one goes by MessagePack", async () => {
    await open({ client: { codecs }, server: { codecs } });
    serving(s.struct({ name: s.string, id: s.u32 })).attach(sessions.server);
    const calls = client(sessions.client, of(older));
    const first = calls.list({ id: 2, name: "b" });
    expect(await failure(first.receive())).toMatchObject({ code: "ERR_CODEC" });
    const listed = [];
    for await (const one of calls.list({ id: 2, name: "b" })) listed.push(one);
    expect(listed).toStrictEqual([{ id: 2, name: "b" }]);
  });

  test("that cannot, and have no MessagePack, fail with the difference", async () => {
    await open();
    serving(older).attach(sessions.server);
    const calls = client(sessions.client, of(other));
    for (let i = 0; i < 2; i++) {
      const error = await failure(calls.echo({ id: 1, name: Uint8Array.of(1) }));
      expect(error).toBeInstanceOf(CallError);
      expect(error).toMatchObject({ code: "ERR_CODEC" });
      expect((error as Error).message).toMatch("input name: string here, bytes there");
    }
  });

  test("a peer without schemas is called in the codec of the session", async () => {
    await open();
    const untyped = contract({ echo: unary({ input: type<unknown>(), output: type<unknown>() }) });
    implement(untyped, { echo: (input) => input }).attach(sessions.server);
    const calls = client(sessions.client, of(older));
    expect(await calls.echo({ id: 1, name: "a" })).toStrictEqual({ id: 1, name: "a" });
    expect(await calls.echo({ id: 2, name: "a" })).toStrictEqual({ id: 2, name: "a" });
    serving(older).attach(sessions.client);
    expect(await client(sessions.server, untyped).echo({ id: 1, name: "a", more: 1 })).toStrictEqual({
      id: 1,
      name: "a",
    });
    await expect(client(sessions.server, untyped).echo({ id: -1 })).rejects.toMatchObject({
      code: "ERR_VALIDATION",
    });
  });

  test("a name with schemas that nobody described is refused, and so are texts that describe nothing", async () => {
    await open();
    serving(older).attach(sessions.server);
    const refused = (metadata: { schema?: string }) => {
      const stream = sessions.client.open("echo#00", metadata, 3);
      return new Promise<unknown>((resolve) => {
        stream.owner = { notify: () => stream.receive.error && resolve(stream.receive.error.message) };
        stream.trySend(new Uint8Array(1));
      });
    };
    expect(await refused({})).toMatch("not known here");
    expect(await refused({ schema: "[[[" })).toMatch("cannot be read");
    expect(await refused({ schema: '"u8"\n"u8"' })).toMatch("input value: struct here, u8 there");
    expect(await client(sessions.client, of(older)).echo({ id: 1, name: "a" })).toStrictEqual({
      id: 1,
      name: "a",
    });
  });
});
