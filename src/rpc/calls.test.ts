import { afterEach, describe, expect, test } from "vitest";
import {
  Deferred,
  failure,
  openSessions,
  type SessionPair,
  settle,
  sleep,
  until,
} from "../../test/sessions.ts";
import {
  type CallContext,
  client,
  clientStream,
  contract,
  duplex,
  implement,
  serverStream,
  type,
  unary,
} from "../index.ts";

const api = contract({
  add: unary({ input: type<readonly [number, number]>(), output: type<number>() }),
  nothing: unary({ input: type<void>(), output: type<void>() }),
  count: serverStream({ input: type<number>(), output: type<number>() }),
  blanks: serverStream({ input: type<number>(), output: type<undefined>() }),
  sum: clientStream({ input: type<number>(), output: type<number>() }),
  first: clientStream({ input: type<string>(), output: type<string | undefined>() }),
  echo: duplex({ input: type<string>(), output: type<string>() }),
  afterwards: duplex({ input: type<string>(), output: type<number>() }),
  about: unary({ input: type<void>(), output: type<Record<string, unknown>>() }),
  room: { seats: { free: unary({ input: type<string>(), output: type<number>() }) } },
});

let context: CallContext;
const service = implement(api, {
  add: ([a, b]) => a + b,
  nothing: () => {},
  *count(to) {
    for (let i = 1; i <= to; i++) yield i;
  },
  async *blanks(count) {
    for (let i = 0; i < count; i++) yield undefined;
  },
  async sum(numbers) {
    let total = 0;
    for await (const number of numbers) total += number;
    return total;
  },
  async first(words) {
    for await (const word of words) return word;
    return undefined;
  },
  async *echo(messages) {
    for await (const message of messages) yield message.toUpperCase();
  },
  async *afterwards(messages) {
    let count = 0;
    for await (const _ of messages) count++;
    yield count;
    yield -count;
  },
  about: (_, given) => {
    context = given;
    return {
      method: given.method,
      headers: [...given.headers],
      trace: given.trace,
      remainingMs: given.remainingMs,
      principal: given.principal,
    };
  },
  room: { seats: { free: (room) => room.length } },
});

let sessions: SessionPair | undefined;

async function open() {
  sessions = await openSessions({
    server: { authenticate: () => "ada", onSession: (session) => service.attach(session) },
  });
  return client(sessions.client, api);
}

afterEach(async () => {
  if (sessions === undefined) return;
  await until(() => sessions?.client.stats().streams === 0 && sessions.server.stats().streams === 0);
  await sessions.client.close();
  sessions = undefined;
});

async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const one of source) all.push(one);
  return all;
}

describe("unary", () => {
  test("gives one answer for one request", async () => {
    const calls = await open();
    expect(await calls.add([1, 2])).toBe(3);
    expect(await calls.room.seats.free("abc")).toBe(3);
  });

  test("can take and give nothing", async () => {
    const calls = await open();
    expect(await calls.nothing()).toBe(undefined);
  });

  test("a thousand calls at a time each get their own answer", async () => {
    const calls = await open();
    const answers = await Promise.all(Array.from({ length: 1_000 }, (_, i) => calls.add([i, i])));
    expect(answers).toEqual(Array.from({ length: 1_000 }, (_, i) => 2 * i));
  });

  test("awaits a promise of another make", async () => {
    // biome-ignore lint/suspicious/noThenProperty: ORMs return such objects
    const lazy = { then: (resolve: (value: number) => void) => resolve(42) };
    const other = contract({ add: api.add });
    const { client: session } = await openSessions({
      server: { onSession: (s) => implement(other, { add: () => lazy as never }).attach(s) },
    });
    expect(await client(session, other).add([0, 0])).toBe(42);
    await session.close();
  });
});

describe("server stream", () => {
  test("gives every message in order", async () => {
    const calls = await open();
    expect(await collect(calls.count(1_000))).toEqual(Array.from({ length: 1_000 }, (_, i) => i + 1));
    expect(await collect(calls.count(0))).toEqual([]);
  });

  test("tells an undefined message from the end", async () => {
    const calls = await open();
    expect(await collect(calls.blanks(3))).toEqual([undefined, undefined, undefined]);
  });

  test("receive() reads one at a time", async () => {
    const calls = await open();
    const numbers = calls.count(2);
    expect([await numbers.receive(), await numbers.receive(), await numbers.receive()]).toEqual([
      1,
      2,
      undefined,
    ]);
  });

  test("a request that waits for credit still ends", async () => {
    const session = await openSessions({
      client: { limits: { maxQueuedBytes: 1 } },
      server: { onSession: (s) => service.attach(s) },
    });
    const calls = client(session.client, api);
    const all = await Promise.all([1, 2, 3, 4].map((to) => collect(calls.count(to))));
    expect(all.map((numbers) => numbers.length)).toEqual([1, 2, 3, 4]);
    await session.client.close();
  });
});

describe("client stream", () => {
  test("gives one answer for many messages", async () => {
    const calls = await open();
    expect(await calls.sum().sendAll([1, 2, 3])).toBe(6);
    expect(await calls.sum().sendAll([])).toBe(0);
    const sum = calls.sum();
    sum.trySend(4);
    await sum.send(5);
    expect(await sum.finish()).toBe(9);
    expect(await sum.result()).toBe(9);
  });

  test("an early answer ends sendAll() and its source", async () => {
    const calls = await open();
    let returned = false;
    async function* endless() {
      try {
        for (let i = 0; ; i++) {
          yield `word ${i}`;
          await sleep(1);
        }
      } finally {
        returned = true;
      }
    }
    expect(await calls.first().sendAll(endless())).toBe("word 0");
    expect(returned).toBe(true);
  });

  test("an early answer comes although the caller does not end", async () => {
    const calls = await open();
    const first = calls.first();
    await first.send("a");
    expect(await first.result()).toBe("a");
    await settle();
    expect(() => first.trySend("b")).toThrow();
  });

  test("a source that throws cancels the call", async () => {
    const calls = await open();
    const broken = function* () {
      yield 1;
      throw new RangeError("no more");
    };
    expect(await failure(calls.sum().sendAll(broken()))).toBeInstanceOf(RangeError);
  });

  test("a message that cannot be encoded cancels the call", async () => {
    const calls = await open();
    expect(await failure(calls.sum().sendAll([1n as never]))).toBeInstanceOf(TypeError);
  });
});

describe("duplex", () => {
  test("talks in both directions, the caller ends first", async () => {
    const calls = await open();
    const echo = calls.echo();
    await echo.send("a");
    expect(await echo.receive()).toBe("A");
    await echo.send("b");
    echo.end();
    expect(await collect(echo)).toEqual(["B"]);
  });

  test("the handler may answer only after the caller's end", async () => {
    const calls = await open();
    const afterwards = calls.afterwards();
    for (const word of ["a", "b", "c"]) await afterwards.send(word);
    afterwards.end();
    expect(await collect(afterwards)).toEqual([3, -3]);
  });

  test("the handler may end first", async () => {
    const both = contract({ talk: duplex({ input: type<string>(), output: type<string>() }) });
    const hear: string[] = [];
    const { client: session } = await openSessions({
      server: {
        onSession: (s) =>
          implement(both, {
            async *talk(messages) {
              for await (const message of messages) {
                hear.push(message);
                yield "enough";
                return;
              }
            },
          }).attach(s),
      },
    });
    const talk = client(session, both).talk();
    await talk.send("hello");
    expect(await collect(talk)).toEqual(["enough"]);
    expect(hear).toEqual(["hello"]);
    await settle();
    expect(() => talk.trySend("more")).toThrow();
    await until(() => session.stats().streams === 0);
    await session.close();
  });

  test("leaving the loop early ends both directions", async () => {
    const calls = await open();
    const echo = calls.echo();
    await echo.send("a");
    for await (const message of echo) {
      expect(message).toBe("A");
      break;
    }
    expect(() => echo.trySend("b")).toThrow();
  });

  test("messages that nobody awaits keep their order", async () => {
    const calls = await open();
    const echo = calls.echo();
    const text = "x".repeat(50_000);
    const sent = Array.from({ length: 40 }, (_, i) => echo.send(`${text}${i}`));
    echo.end();
    const heard = (await collect(echo)).map((message) => Number(message.slice(text.length)));
    expect(heard).toEqual(Array.from({ length: 40 }, (_, i) => i));
    await Promise.all(sent);
  });
});

describe("what travels with a call", () => {
  test("the handler sees method, headers, trace, deadline and principal", async () => {
    const calls = await open();
    const trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const about = await calls.about(undefined, { headers: [["who", "me"]], trace, deadlineMs: 5_000 });
    expect(about).toMatchObject({ method: "about", headers: [["who", "me"]], trace, principal: "ada" });
    expect(about["remainingMs"]).toBeGreaterThan(4_000);
    expect(about["remainingMs"]).toBeLessThanOrEqual(5_000);
  });

  test("a call without options has none of it", async () => {
    const calls = await open();
    expect(await calls.about()).toEqual({ method: "about", headers: [], principal: "ada" });
  });

  test("forward() hands trace, priority and the rest of the deadline on", async () => {
    const calls = await open();
    await calls.about(undefined, { trace: "t", priority: 1, deadlineMs: 1_000 });
    const options = context.forward();
    expect(options).toMatchObject({ trace: "t", priority: 1 });
    expect(options.deadlineMs).toBeLessThanOrEqual(1_000);
    expect(options.signal?.aborted).toBe(false);
  });

  test("headers over the limit are refused here, with the reason", async () => {
    const calls = await open();
    const headers: [string, string][] = [["h", "x".repeat(9_000)]];
    expect(await failure(calls.about(undefined, { headers }))).toBeInstanceOf(RangeError);
    expect(() => calls.count(1, { headers })).toThrow("over the limit");
  });

  test.each([8, -1, 1.5])("priority %s is refused", async (priority) => {
    const calls = await open();
    expect(await failure(calls.about(undefined, { priority }))).toBeInstanceOf(RangeError);
  });
});

describe("both sides", () => {
  test("call each other at the same time over one session", async () => {
    const opened = await openSessions({ server: { onSession: (session) => service.attach(session) } });
    service.attach(opened.client);
    const up = client(opened.client, api);
    const down = client(opened.server, api);
    const all = await Promise.all(
      Array.from({ length: 200 }, (_, i) => (i % 2 === 0 ? up : down).add([i, 1])),
    );
    expect(all).toEqual(Array.from({ length: 200 }, (_, i) => i + 1));
    expect(await collect(down.count(5))).toEqual([1, 2, 3, 4, 5]);
    await opened.client.close();
  });

  test("a handler can call back before it answers", async () => {
    const asked = new Deferred<number>();
    const back = contract({ ask: unary({ input: type<void>(), output: type<number>() }) });
    const server = implement(back, { ask: (_, { session }) => client(session, back).ask() });
    const opened = await openSessions({ server: { onSession: (session) => server.attach(session) } });
    implement(back, { ask: () => asked.promise }).attach(opened.client);
    const answer = client(opened.client, back).ask();
    asked.resolve(7);
    expect(await answer).toBe(7);
    await opened.client.close();
  });
});
