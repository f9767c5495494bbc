import { describe, expect, test } from "vitest";
import { failure, settle, sleep, until } from "../../test/sessions.ts";
import {
  type AcceptOptions,
  accept,
  type ConnectOptions,
  client,
  connectWith,
  contract,
  type Dial,
  duplex,
  implement,
  type MessageStream,
  type MigratedEvent,
  raw,
  type Session,
  SessionStore,
  type SessionStoreOptions,
  type StateChangeEvent,
  StreamLostError,
  type Transport,
  type,
  unary,
} from "../index.ts";
import { type SimulatedLink, simulatedPair } from "../testing/link.ts";

const api = contract({
  add: unary({ input: type<number>(), output: type<number>() }),
  slow: unary({ input: type<number>(), output: type<number>() }),
  count: duplex({ input: type<number>(), output: type<number>() }),
});

/** A server that keeps sessions, and the networks that lead to it. */
class World {
  store: SessionStore;
  readonly links: SimulatedLink[] = [];
  readonly sessions: Session[] = [];
  readonly options: AcceptOptions;
  down = false;
  ran = 0;

  constructor(store: SessionStoreOptions = {}, options: AcceptOptions = {}) {
    this.store = new SessionStore(store);
    this.options = options;
  }

  /** A transport that leads to the server. */
  transport(latencyMs = 1): Transport {
    const link = simulatedPair({ latencyMs });
    this.links.push(link);
    const service = implement(api, {
      add: (number) => number + 1,
      slow: async (ms) => {
        this.ran++;
        await sleep(ms);
        return ms;
      },
      count: async function* (numbers) {
        for await (const number of numbers) yield number;
      },
    });
    accept(link.b, {
      store: this.store,
      ...this.options,
      onSession: (session) => {
        this.sessions.push(session);
        service.attach(session);
        this.options.onSession?.(session);
      },
    });
    return link.a;
  }

  readonly dial: Dial = async () => {
    if (this.down) throw new Error("Server is down");
    return this.transport();
  };

  connect(options: ConnectOptions = {}): Promise<Session> {
    return connectWith(this.dial, { reconnect: { minMs: 1, maxMs: 20 }, ...options });
  }

  get link(): SimulatedLink {
    return this.links.at(-1) as SimulatedLink;
  }

  /** Forget all sessions, as a process that was started again. */
  restart(): void {
    this.store = new SessionStore();
  }
}

/** States in the order in which they were told, with what became of the streams. */
function record(session: Session): string[] {
  const told: string[] = [];
  session.addEventListener("statechange", ({ state, error, outcome }: StateChangeEvent) => {
    told.push([state, error?.code, outcome?.reason].filter((text) => text !== undefined).join(" "));
  });
  return told;
}

function stateIs(session: Session, state: string): Promise<void> {
  return until(() => session.state === state);
}

describe("a lost connection", () => {
  test("leaves calls and streams as they were", async () => {
    const world = new World();
    const session = await world.connect();
    const states = record(session);
    const calls = client(session, api);
    const slow = calls.slow(30);
    const echo = calls.count();
    await echo.send(1);
    expect((await echo[Symbol.asyncIterator]().next()).value).toBe(1);
    world.link.cut();
    await stateIs(session, "resuming");
    await echo.send(2);
    expect(await slow).toBe(30);
    await echo.send(3);
    echo.end();
    const rest: number[] = [];
    for await (const number of echo) rest.push(number);
    expect(rest).toEqual([2, 3]);
    expect(states).toEqual(["resuming ERR_CONNECTION_LOST", "resuming", "open resumed"]);
    expect(session.resumed).toEqual({ resumed: true, reason: "resumed" });
    expect(session.stats()).toMatchObject({ reconnects: 1, resumes: 1, migrations: 0 });
    expect([world.ran, world.sessions.length]).toEqual([1, 1]);
    expect(world.sessions[0]?.state).toBe("open");
    expect(world.store.stats()).toMatchObject({ sessions: 1, detached: 0, resumed: 1 });
    await session.close();
    await settle();
    await until(() => world.store.stats().sessions === 0);
  });

  test("loses nothing and repeats nothing in a flow of data, cut again and again", async () => {
    const world = new World();
    const received: number[] = [];
    let ended = false;
    world.options.onSession;
    const held = new World(
      {},
      {
        onSession: (session) =>
          session.onStream("bulk", async (stream: MessageStream) => {
            for await (const message of stream)
              received.push(new DataView(message.buffer, message.byteOffset).getUint32(0));
            ended = true;
          }),
      },
    );
    const session = await held.connect();
    const stream = session.openStream("bulk", { codec: raw });
    const cutter = setInterval(() => held.link.cut(), 15);
    const count = 1_500;
    for (let i = 0; i < count; i++) {
      const message = new Uint8Array(2_000 + (i % 7) * 500);
      new DataView(message.buffer).setUint32(0, i);
      await stream.send(message);
      if (i % 50 === 0) await sleep(1);
    }
    clearInterval(cutter);
    await stream.close();
    expect(received).toEqual(Array.from({ length: count }, (_, i) => i));
    expect(ended).toBe(true);
    expect(session.stats().resumes).toBeGreaterThan(2);
    await session.close();
  });

  test("during the handshake of the next one is only another loss", async () => {
    const world = new World();
    const session = await world.connect();
    const calls = client(session, api);
    for (const bytes of [0, 1, 30, 80, 130, 200]) {
      const call = calls.slow(5);
      const before = world.links.length;
      world.link.cut();
      await until(() => world.links.length > before);
      world.link.cutAfter(bytes, bytes % 2 === 0 ? "aToB" : "bToA");
      expect(await call).toBe(5);
    }
    expect(world.ran).toBe(6);
    expect(world.sessions).toHaveLength(1);
    await session.close();
  });

  test("that only the client has noticed is taken over", async () => {
    const world = new World();
    const session = await world.connect();
    const first = world.link;
    first.vanish("bToA");
    first.a.endSoon(undefined, 0);
    await stateIs(session, "resuming");
    expect(world.sessions[0]?.state).toBe("open");
    await stateIs(session, "open");
    expect(session.resumed?.resumed).toBe(true);
    expect(world.store.stats()).toMatchObject({ resumed: 1, takenOver: 1 });
    expect(await client(session, api).add(1)).toBe(2);
    await session.close();
  });
});

test("an attempt that was given up, and arrives late, takes nothing from a later one", async () => {
  const world = new World();
  const session = await world.connect({ connectTimeoutMs: 500 });
  const calls = client(session, api);
  const late = simulatedPair({ latencyMs: 1 });
  late.stall(1_500);
  accept(late.b, { store: world.store });
  await failure(session.migrate(late.a));
  await session.migrate(world.transport());
  await sleep(1_500);
  expect([session.state, session.stats().reconnects]).toEqual(["open", 0]);
  expect(world.store.stats()).toMatchObject({ resumed: 1, takenOver: 1 }); // by the second move alone
  expect(await calls.add(1)).toBe(2);
  await session.close();
});

describe("a session that cannot be carried on", () => {
  test("because the server was restarted ends its streams with what is known of them, and starts afresh", async () => {
    const world = new World();
    const session = await world.connect();
    const states = record(session);
    const calls = client(session, api);
    const lost = failure(calls.slow(10_000));
    await settle();
    world.down = true;
    world.link.cut();
    await stateIs(session, "resuming");
    world.restart();
    world.down = false;
    const error = (await lost) as Error;
    expect(error).toMatchObject({ code: "ERR_SESSION_UNKNOWN" });
    expect(error.cause).toBeInstanceOf(StreamLostError);
    expect((error.cause as StreamLostError).progress).toMatchObject({ opened: true, unsentBytes: 0 });
    expect((error.cause as StreamLostError).progress.sentBytes).toBeGreaterThan(0);
    await stateIs(session, "open");
    expect(session.resumed).toEqual({ resumed: false, reason: "unknown" });
    expect(states.at(-1)).toBe("open unknown");
    expect(await calls.add(1)).toBe(2);
    expect(world.sessions).toHaveLength(2);
    await session.close();
  });

  test("because the time is over ends on both sides", async () => {
    const world = new World({ keepMs: 30 });
    const session = await world.connect();
    world.down = true;
    const stream = session.openStream("x");
    stream.trySend(new Uint8Array(3));
    await settle();
    world.link.cut();
    expect(await failure(stream.close())).toMatchObject({ code: "ERR_SESSION_EXPIRED" });
    await stateIs(session, "connecting");
    await until(() => world.sessions[0]?.state === "closed");
    expect(world.sessions[0]?.error?.code).toBe("ERR_SESSION_EXPIRED");
    world.down = false;
    await stateIs(session, "open");
    expect(session.resumed).toEqual({ resumed: false, reason: "expired" });
    expect(world.store.stats()).toMatchObject({ expired: 1, detached: 0, detachedBytes: 0 });
    await session.close();
  });

  test("because it made room for others is not known any more", async () => {
    const world = new World({ maxDetached: 1 });
    const [first, second] = [await world.connect(), await world.connect()];
    world.down = true;
    for (const link of world.links) link.cut();
    await until(() => world.store.stats().evicted === 1);
    expect(world.store.stats()).toMatchObject({ detached: 1, sessions: 1 });
    world.down = false;
    await stateIs(first, "open");
    await stateIs(second, "open");
    expect([first.resumed?.reason, second.resumed?.reason].sort()).toEqual(["resumed", "unknown"]);
    await first.close();
    await second.close();
  });

  test("because the server keeps none ends its streams with the connection", async () => {
    const world = new World({}, { store: undefined as never });
    const session = await world.connect();
    const call = failure(client(session, api).slow(10_000));
    await settle();
    world.link.cut();
    expect(await call).toMatchObject({ code: "ERR_CONNECTION_LOST" });
    await stateIs(session, "open");
    expect(session.resumed).toEqual({ resumed: false, reason: "not offered" });
    await session.close();
  });

  test("because the client does not want it is not kept by the server either", async () => {
    const world = new World();
    const session = await world.connect({ resumeMs: 0 });
    expect(world.store.stats().sessions).toBe(0);
    await session.close();
  });
});

describe("who comes back", () => {
  test("must be who was let in: another principal gets a session of its own", async () => {
    let user = "ada";
    const world = new World({}, { authenticate: () => ({ user }) });
    const session = await world.connect();
    world.down = true;
    world.link.cut();
    await stateIs(session, "resuming");
    user = "eve";
    world.down = false;
    await stateIs(session, "open");
    expect(session.resumed).toEqual({ resumed: false, reason: "unknown" });
    expect(world.store.stats()).toMatchObject({ refused: 1, resumed: 0 });
    expect(world.sessions.map(({ principal }) => principal)).toEqual([{ user: "ada" }, { user: "eve" }]);
    await session.close();
  });

  test("cannot come back as a principal that has no text of its own", async () => {
    class User {
      readonly #name = "ada";
      get name(): string {
        return this.#name;
      }
    }
    const world = new World({}, { authenticate: () => new User() });
    const session = await world.connect();
    world.link.cut();
    await until(() => session.resumed !== undefined);
    expect(session.resumed).toEqual({ resumed: false, reason: "unknown" });
    await session.close();
  });

  test("and is refused keeps its session for the next attempt only where that can help", async () => {
    let refuse = false;
    const world = new World(
      {},
      {
        authenticate: () => {
          if (refuse) throw new Error("no");
          return "ada";
        },
      },
    );
    const session = await world.connect();
    refuse = true;
    world.link.cut();
    expect(await session.closed).toMatchObject({ code: "ERR_AUTH" });
  });
});

describe("migrate()", () => {
  test("moves a session while data flows, in both directions, without a loss", async () => {
    const world = new World();
    const session = await world.connect();
    const states = record(session);
    const moves: MigratedEvent[] = [];
    session.addEventListener("migrated", (event) => moves.push(event));
    const echo = client(session, api).count();
    const received: number[] = [];
    const reading = (async () => {
      for await (const number of echo) received.push(number);
    })();
    for (let i = 0; i < 3_000; i++) {
      if (!echo.trySend(i)) await echo.send(i);
      if (i % 100 === 0) await sleep(1);
      if (i % 1_000 === 500) await session.migrate(world.transport(2));
    }
    echo.end();
    await reading;
    expect(received).toEqual(Array.from({ length: 3_000 }, (_, i) => i));
    expect(states).toEqual([]);
    expect(moves).toHaveLength(3);
    expect(session.resumed).toEqual({ resumed: true, reason: "migrated" });
    expect(session.stats()).toMatchObject({ migrations: 3, reconnects: 0 });
    expect(world.sessions).toHaveLength(1);
    await session.close();
  });

  test("leaves the session where it is when the new transport leads nowhere", async () => {
    const world = new World();
    const session = await world.connect({ connectTimeoutMs: 300 });
    const dead = simulatedPair();
    dead.vanish();
    expect(await failure(session.migrate(dead.a))).toMatchObject({ code: "ERR_TIMEOUT" });
    const stranger = new World();
    expect(await failure(session.migrate(stranger.transport()))).toMatchObject({
      code: "ERR_SESSION_UNKNOWN",
    });
    expect(await client(session, api).add(1)).toBe(2);
    expect(session.stats()).toMatchObject({ migrations: 0, reconnects: 0 });
    await session.close();
  });

  test("survives the loss of both connections at any byte of the new one", async () => {
    const world = new World();
    const session = await world.connect({ connectTimeoutMs: 200 });
    const calls = client(session, api);
    for (const bytes of [0, 10, 90, 110, 150, 200, 260]) {
      const call = calls.slow(8);
      const old = world.link;
      const transport = world.transport();
      world.link.cutAfter(bytes, bytes % 20 === 0 ? "bToA" : "aToB");
      const moving = session.migrate(transport).catch(() => {});
      if (bytes > 100) old.cut();
      await moving;
      expect(await call).toBe(8);
      await stateIs(session, "open");
    }
    expect([world.ran, world.sessions.length]).toEqual([7, 1]);
    await session.close();
  });

  test("is for the client, one move at a time", async () => {
    const world = new World();
    const session = await world.connect();
    const [a, b] = [session.migrate(world.transport()), failure(session.migrate(world.transport()))];
    expect(await b).toMatchObject({ code: "ERR_STATE" });
    await a;
    expect(await failure(world.sessions[0]!.migrate(world.transport()))).toMatchObject({ code: "ERR_STATE" });
    await session.close();
  });
});

describe("by itself a session", () => {
  test("moves to a better dial when that works again", async () => {
    const world = new World();
    let better = false;
    const first: Dial = async () => {
      if (!better) throw new Error("Not now");
      return world.transport();
    };
    const session = await connectWith([first, world.dial], { upgradeMs: 20 });
    expect(world.links).toHaveLength(1);
    const call = client(session, api).slow(100);
    await sleep(70);
    expect(session.stats().migrations).toBe(0);
    better = true;
    await until(() => session.stats().migrations === 1);
    expect(await call).toBe(100);
    await sleep(50);
    expect(session.stats().migrations).toBe(1);
    await session.close();
  });

  test("moves when nothing comes back for what it has sent", { timeout: 15_000 }, async () => {
    const world = new World();
    const session = await world.connect();
    const stuck = world.link;
    stuck.vanish();
    const call = client(session, api).add(1);
    expect(await call).toBe(2);
    expect(session.stats()).toMatchObject({ migrations: 1, reconnects: 0 });
    await session.close();
  });
});
