import { describe, expect, test, vi } from "vitest";
import { Reconnecting } from "../../test/reconnecting.ts";
import { Deferred, failure, openSessions, settle, sleep, until } from "../../test/sessions.ts";
import { StreamLostError } from "../core/errors.ts";
import {
  type AcceptOptions,
  type CallContext,
  type CallOptions,
  type ConnectOptions,
  client,
  contract,
  type ImplementOptions,
  implement,
  type Session,
  serverStream,
  type,
  unary,
} from "../index.ts";
import { MOST_TRIES } from "./retry.ts";
import { callsOf } from "./session-calls.ts";

const text = { input: type<string>(), output: type<string>() };
const api = contract({
  plain: unary(text),
  safe: unary({ ...text, idempotent: true }),
  length: unary({ input: type<string>(), output: type<number>(), idempotent: true }),
  ticks: serverStream({ input: type<void>(), output: type<number>() }),
});

interface OpenOptions {
  readonly client?: ConnectOptions;
  readonly server?: AcceptOptions;
  readonly use?: ImplementOptions["use"];
  /** Each connection finds a server that knows nothing of those before. */
  readonly restarts?: boolean;
}

/** Handlers that wait for `gate`, and what they saw. */
async function open(options: OpenOptions = {}) {
  const contexts: CallContext[] = [];
  const gate = new Deferred();
  const wait = async (input: string, context: CallContext) => {
    contexts.push(context);
    await gate.promise;
    return `${input} ${contexts.length}`;
  };
  const make = () =>
    implement(
      api,
      { plain: wait, safe: wait, length: (input) => input.length, *ticks() {} },
      { use: options.use ?? [] },
    );
  const service = make();
  const network = await Reconnecting.open({
    client: options.client ?? {},
    server: () => ({
      ...options.server,
      onSession: (session) => (options.restarts ? make() : service).attach(session),
    }),
  });
  const { session } = network;
  return { network, session, calls: client(session, api), contexts, gate };
}

describe("a call that may not run twice", () => {
  test("fails when its connection is lost while it runs", async () => {
    const { calls, contexts, gate, network, session } = await open();
    const call = failure(calls.plain("a"));
    await until(() => contexts.length === 1);
    network.cut();
    const error = (await call) as { code: string; cause: StreamLostError };
    expect(error).toMatchObject({ name: "ERR_CONNECTION_LOST", code: "ERR_CONNECTION_LOST" });
    expect(error.cause).toBeInstanceOf(StreamLostError);
    expect(error.cause.progress).toMatchObject({ opened: true, unsentBytes: 0, receivedBytes: 0 });
    await until(() => session.state === "open" && network.connections === 2);
    gate.resolve();
    await settle();
    expect(contexts).toHaveLength(1);
    expect(contexts[0]?.signal.aborted).toBe(true);
    expect(await calls.plain("b")).toBe("b 2");
    await session.close();
  });

  test("is sent again when nothing of it was sent, and only then", async () => {
    const { calls, contexts, gate, network, session } = await open();
    gate.resolve();
    network.isMute = true;
    network.cut();
    await until(() => network.connections === 2);
    // More than a client may send before it knows its peer.
    const answers = Array.from({ length: 40 }, (_, i) => calls.plain(`${i}`).then(String, String));
    await settle();
    network.isMute = false;
    network.cut();
    const settled = await Promise.all(answers);
    const answered = settled.filter((answer) => !answer.startsWith("ERR_CONNECTION_LOST"));
    expect(answered.length).toBeGreaterThan(10);
    expect(answered.length).toBeLessThan(40);
    expect(contexts).toHaveLength(answered.length);
    await session.close();
  });

  test("goes to the next connection when the peer refuses it because it is going away", async () => {
    const { calls, contexts, gate, network, session } = await open();
    gate.resolve();
    network.server.goAway("restart", 0);
    expect(await calls.plain("a")).toBe("a 1");
    expect([network.connections, contexts.length]).toEqual([2, 1]);
    await session.close();
  });

  test("fails with that where there is no next connection", async () => {
    const { calls, contexts, network, session } = await open({ client: { reconnect: false } });
    network.server.goAway("restart", 0);
    expect(await failure(calls.plain("a"))).toMatchObject({ code: "ERR_GOING_AWAY" });
    expect(contexts).toHaveLength(0);
    await session.close();
  });
});

describe("a call that may run twice", () => {
  test("to an idempotent method gets its answer over the next connection, and runs once", async () => {
    const { calls, contexts, gate, network, session } = await open();
    const call = calls.safe("a");
    await until(() => contexts.length === 1);
    network.cut();
    await until(() => network.connections === 2);
    await settle();
    gate.resolve();
    expect(await call).toBe("a 1");
    expect(contexts[0]?.idempotencyKey).toMatch(/^[0-9a-z]{26}$/);
    await session.close();
  });

  test("has the same key each time, and another than the next call", async () => {
    const keys: unknown[] = [];
    const { calls, contexts, gate, network, session } = await open({
      restarts: true,
      use: [
        (context, next) => {
          keys.push(context.idempotencyKey);
          return next();
        },
      ],
    });
    const call = calls.safe("a");
    await until(() => contexts.length === 1);
    network.cut();
    await until(() => contexts.length === 2);
    gate.resolve();
    expect(await call).toBe("a 2");
    await calls.safe("b");
    await calls.plain("c");
    expect(keys[1]).toBe(keys[0]);
    expect(keys[2]).not.toBe(keys[0]);
    expect(keys[3]).toBeUndefined();
    await session.close();
  });

  test("may be one to any method, with a key of its caller", async () => {
    const { calls, contexts, gate, network, session } = await open();
    const call = calls.plain("a", { idempotencyKey: "order-17" });
    await until(() => contexts.length === 1);
    network.cut();
    await until(() => network.connections === 2);
    gate.resolve();
    expect(await call).toBe("a 1");
    expect(contexts[0]?.idempotencyKey).toBe("order-17");
    await session.close();
  });

  test("is sent whole again when it was lost half sent", async () => {
    const { calls, network, session } = await open();
    const long = "x".repeat(2_000_000);
    const call = calls.length(long);
    await Promise.resolve();
    for (let i = 0; i < 20; i++) await Promise.resolve();
    network.cut();
    expect(await call).toBe(2_000_000);
    expect(network.connections).toBe(2);
    await session.close();
  });

  test("waits for the network as long as it may", async () => {
    const { calls, contexts, gate, network, session } = await open();
    const call = calls.safe("a");
    await until(() => contexts.length === 1);
    network.hold();
    network.cut();
    await sleep(30);
    gate.resolve();
    await settle();
    network.release();
    expect(await call).toBe("a 1");
    await session.close();
  });

  test("is one of many that share a listener", async () => {
    const { calls, contexts, gate, network, session } = await open();
    const many = Array.from({ length: 50 }, (_, i) => calls.safe(`${i}`));
    await until(() => contexts.length === 50);
    const add = vi.spyOn(session, "addEventListener");
    network.cut();
    await until(() => network.connections === 2);
    gate.resolve();
    expect((await Promise.all(many)).map((answer) => Number.parseInt(answer, 10))).toEqual([
      ...Array(50).keys(),
    ]);
    expect([contexts.length, add.mock.calls.length]).toEqual([50, 1]);
    await session.close();
  });

  test(`is sent ${MOST_TRIES} times and no more`, async () => {
    let arrived = 0;
    const { calls, network, session } = await open({
      use: [
        async () => {
          arrived++;
          network.cut();
        },
      ],
    });
    expect(await failure(calls.safe("a"))).toMatchObject({ code: "ERR_CONNECTION_LOST" });
    expect(arrived).toBe(MOST_TRIES);
    await settle();
    expect(callsOf(session).waiting).toBe(0);
    await session.close();
  });

  test("of a server to its client fails with the session, which does not connect again", async () => {
    const hang = contract({ hang: unary({ ...text, idempotent: true }) });
    const running = new Deferred();
    const service = implement(hang, {
      hang: () => {
        running.resolve();
        return new Promise<string>(() => {});
      },
    });
    const onSession = (session: Session) => service.attach(session);
    const { server, pairs } = await openSessions({ client: { onSession, reconnect: false } });
    const call = failure(client(server, hang).hang("a"));
    await running.promise;
    pairs[0]?.lose();
    expect(await call).toMatchObject({ code: "ERR_CONNECTION_LOST" });
  });
});

describe("a call that waits for another connection", () => {
  test("has one deadline for all tries", async () => {
    const left: (number | undefined)[] = [];
    const { calls, contexts, network, session } = await open({
      restarts: true,
      use: [
        (context, next) => {
          left.push(context.remainingMs);
          return next();
        },
      ],
    });
    const started = performance.now();
    const call = failure(calls.safe("a", { deadlineMs: 800 }));
    await until(() => contexts.length === 1);
    await sleep(60);
    network.cut();
    await until(() => contexts.length === 2);
    expect(await call).toMatchObject({ code: "ERR_DEADLINE" });
    expect(performance.now() - started).toBeLessThan(3_000);
    expect(left[1]).toBeLessThanOrEqual((left[0] as number) - 50);
    await session.close();
  });

  test.each([{ deadlineMs: 40 }, {}])("ends with its deadline: %j", async (options) => {
    const { calls, contexts, network, session } = await open({ client: { limits: { callMs: 60 } } });
    const call = failure(calls.safe("a", options));
    await until(() => contexts.length === 1);
    network.hold();
    network.cut();
    expect(await call).toMatchObject({ code: "ERR_DEADLINE" });
    network.release();
    await until(() => session.state === "open");
    await settle();
    expect(callsOf(session).waiting).toBe(0);
    expect(callsOf(network.server).running).toBe(0);
    await session.close();
  });

  test("ends when it is aborted", async () => {
    const { calls, contexts, network, session } = await open();
    const abort = new AbortController();
    const call = failure(calls.safe("a", { signal: abort.signal }));
    await until(() => contexts.length === 1);
    network.hold();
    network.cut();
    await settle();
    abort.abort("enough");
    expect(await call).toMatchObject({ code: "ERR_CANCELLED", cause: "enough" });
    network.release();
    await until(() => session.state === "open");
    await settle();
    expect([contexts.length, callsOf(session).waiting]).toEqual([1, 0]);
    await session.close();
  });

  test("fails with its loss when the session is closed instead", async () => {
    const { calls, contexts, network, session } = await open();
    const call = failure(calls.safe("a"));
    await until(() => contexts.length === 1);
    network.hold();
    network.cut();
    await settle();
    await session.close();
    const error = (await call) as { code: string; cause: StreamLostError };
    expect(error.code).toBe("ERR_CONNECTION_LOST");
    // Not that of the stream that waits for a connection: the peer has seen the call.
    expect(error.cause.progress.opened).toBe(true);
    network.release();
  });

  test("fails when the session is not to connect again", async () => {
    const { calls, contexts, network } = await open({ client: { reconnect: false } });
    const call = failure(calls.safe("a"));
    await until(() => contexts.length === 1);
    network.cut();
    expect(await call).toMatchObject({ code: "ERR_CONNECTION_LOST" });
    await settle();
    expect([network.connections, contexts.length]).toEqual([1, 1]);
  });

  test("fails when the peer does not let it in again", async () => {
    let known = true;
    const authenticate = () => {
      if (!known) throw new Error("who is this?");
    };
    const { calls, contexts, network } = await open({ server: { authenticate } });
    const call = failure(calls.safe("a"));
    await until(() => contexts.length === 1);
    known = false;
    network.cut();
    expect(await call).toMatchObject({ code: expect.stringMatching(/^ERR_(AUTH|CONNECTION_LOST)$/) });
    expect(contexts).toHaveLength(1);
  });
});

describe("an idempotency key", () => {
  test.each(["", "x".repeat(129), "ü".repeat(65), "\ud83d"])("%j is refused", async (idempotencyKey) => {
    const { calls, session } = await open();
    expect(await failure(calls.plain("a", { idempotencyKey }))).toBeInstanceOf(RangeError);
    expect(callsOf(session).waiting).toBe(0);
    await session.close();
  });

  test("may have 128 bytes", async () => {
    const { calls, contexts, gate, session } = await open();
    gate.resolve();
    await calls.plain("a", { idempotencyKey: "ü".repeat(64) });
    expect(contexts[0]?.idempotencyKey).toBe("ü".repeat(64));
    await session.close();
  });

  test("is for unary calls only", async () => {
    const { calls, session } = await open();
    const options: CallOptions = { idempotencyKey: "a" };
    expect(() => calls.ticks(undefined, options)).toThrow(TypeError);
    expect(callsOf(session).waiting).toBe(0);
    const stream = { input: type<void>(), output: type<number>(), idempotent: true };
    expect(() => serverStream(stream)).toThrow("Cannot describe server-stream method as idempotent");
    await session.close();
  });
});
