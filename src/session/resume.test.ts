import { describe, expect, test } from "vitest";
import { api, record, stateIs, World } from "../../test/resumable-world.ts";
import { failure, settle, sleep, until } from "../../test/sessions.ts";
import { accept, client, type MessageStream, raw, StreamLostError } from "../index.ts";
import { simulatedPair } from "../testing/link.ts";

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
