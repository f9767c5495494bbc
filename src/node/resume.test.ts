import { once } from "node:events";
import { createServer, type Server as HttpServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { sleep, until } from "../../test/sessions.ts";
import {
  client,
  connectWith,
  contract,
  dialWebSocket,
  implement,
  type ServeOptions,
  type Server,
  type Session,
  SessionStore,
  serve,
  serverStream,
  type,
  unary,
} from "./index.ts";

const api = contract({
  slow: unary({ input: type<number>(), output: type<string>(), idempotent: true }),
  plain: unary({ input: type<number>(), output: type<string>() }),
  count: serverStream({ input: type<number>(), output: type<number>() }),
});

/** A server whose sockets can be destroyed under it. */
class Site {
  readonly http: HttpServer = createServer();
  readonly #sockets: Set<Socket> = new Set();
  server!: Server;
  url = "";

  constructor() {
    this.http.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
  }

  async start(name: string, options: Partial<ServeOptions> = {}): Promise<this> {
    const answer = async (ms: number) => {
      await sleep(ms);
      return name;
    };
    const service = implement(api, {
      slow: answer,
      plain: answer,
      count: async function* (count) {
        for (let i = 0; i < count; i++) {
          yield i;
          await sleep(1);
        }
      },
    });
    this.http.listen(0, "127.0.0.1");
    await once(this.http, "listening");
    this.url = `ws://127.0.0.1:${(this.http.address() as AddressInfo).port}`;
    this.server = await serve({ attach: [this.http], services: [service], ...options });
    return this;
  }

  /** RST on every connection. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  async stop(): Promise<void> {
    await this.server.close({ drainMs: 0 });
    this.http.close();
    this.http.closeAllConnections();
  }
}

const sites: Site[] = [];
const sessions: Session[] = [];

async function site(name: string, options?: Partial<ServeOptions>): Promise<Site> {
  const started = await new Site().start(name, options);
  sites.push(started);
  return started;
}

async function connectTo(url: () => string): Promise<Session> {
  const session = await connectWith((signal) => dialWebSocket(url())(signal), {
    reconnect: { minMs: 1, maxMs: 20 },
  });
  sessions.push(session);
  return session;
}

afterEach(async () => {
  for (const session of sessions.splice(0)) await session.close();
  for (const started of sites.splice(0)) await started.stop();
});

describe("over real sockets", () => {
  test("calls and streams go on through resets of the connection", async () => {
    const a = await site("a");
    const session = await connectTo(() => a.url);
    const calls = client(session, api);
    const numbers: number[] = [];
    const counting = (async () => {
      for await (const number of calls.count(300)) numbers.push(number);
    })();
    for (let i = 0; i < 6; i++) {
      const answer = calls.plain(20);
      await sleep(10);
      a.cut();
      expect(await answer).toBe("a");
    }
    await counting;
    expect(numbers).toEqual(Array.from({ length: 300 }, (_, i) => i));
    expect(session.stats().resumes).toBe(6);
    expect(a.server.store?.stats()).toMatchObject({ sessions: 1, detached: 0 });
    expect(a.server.sessions.size).toBe(1);
  });

  test("resume: false ends what is open with the connection", async () => {
    const a = await site("a", { resume: false });
    const session = await connectTo(() => a.url);
    const call = client(session, api).plain(10_000);
    await sleep(10);
    a.cut();
    await expect(call).rejects.toMatchObject({ code: "ERR_CONNECTION_LOST" });
    expect(a.server.store).toBeUndefined();
  });

  test("a session is resumed by way of another listener that shares its store", async () => {
    const store = new SessionStore();
    const [a, b] = [await site("a", { resume: store }), await site("b", { resume: store })];
    let url = a.url;
    const session = await connectTo(() => url);
    const call = client(session, api).plain(50);
    await sleep(10);
    url = b.url;
    a.cut();
    expect(await call).toBe("a");
    expect([session.resumed?.resumed, store.stats().resumed]).toEqual([true, 1]);
    await session.migrate(await dialWebSocket(a.url)(AbortSignal.timeout(1_000)));
    expect(store.stats().resumed).toBe(2);
  });
});

test("a process that stood still asks its peer before it judges", async () => {
  const a = await site("a", { limits: { keepAliveMs: 100 } });
  const session = await connectTo(() => a.url);
  const call = client(session, api).plain(2_000);
  await sleep(50);
  const end = performance.now() + 1_500;
  while (performance.now() < end);
  await sleep(300);
  expect([session.state, session.stats().reconnects]).toEqual(["open", 0]);
  expect(a.server.sessions.size).toBe(1);
  expect(await call).toBe("a");
});

describe("listeners that share a store", () => {
  test("do not take over a session that began under other limits", async () => {
    const store = new SessionStore();
    const [a, b] = [
      await site("a", { resume: store }),
      await site("b", { resume: store, limits: { maxStreams: 64 } }),
    ];
    let url = a.url;
    const session = await connectTo(() => url);
    url = b.url;
    a.cut();
    await until(() => session.state === "open" && session.resumed !== undefined);
    expect(session.resumed).toEqual({ resumed: false, reason: "unknown" });
    expect(await client(session, api).plain(0)).toBe("b");
  });

  test("close one by one: a session that has moved stays", async () => {
    const store = new SessionStore();
    const [a, b] = [await site("a", { resume: store }), await site("b", { resume: store })];
    let url = a.url;
    const session = await connectTo(() => url);
    const call = client(session, api).plain(300);
    await session.migrate(await dialWebSocket(b.url)(AbortSignal.timeout(1_000)));
    url = b.url;
    await a.server.close({ drainMs: 100 });
    expect(await call).toBe("a");
    expect([session.state, session.stats().reconnects]).toEqual(["open", 0]);
  });
});

describe("a deploy", () => {
  test("moves clients to the next server without an error", async () => {
    const [a, b] = [await site("a"), await site("b")];
    let url = a.url;
    const session = await connectTo(() => url);
    const calls = client(session, api);
    const [short, long] = [calls.plain(150), calls.slow(600)];
    await sleep(20);
    url = b.url;
    const closing = a.server.close({ drainMs: 300, spreadMs: 50 });
    await until(() => session.stats().transport !== undefined && b.server.sessions.size === 1);
    // The next server is there before the last call on this one has ended.
    expect(await calls.plain(0)).toBe("b");
    expect(await short).toBe("a");
    await closing;
    expect(await long).toBe("b");
    expect(session.state).toBe("open");
  });

  test("does not wait for clients that are not there", async () => {
    const a = await site("a");
    let url = a.url;
    const session = await connectTo(() => url);
    void client(session, api)
      .plain(5_000)
      .catch(() => {});
    await sleep(20);
    url = "ws://127.0.0.1:1";
    a.cut();
    await until(() => a.server.store?.stats().detached === 1);
    const start = performance.now();
    await a.server.close({ drainMs: 5_000 });
    expect(performance.now() - start).toBeLessThan(1_000);
    expect(a.server.store?.stats()).toMatchObject({ sessions: 0, detached: 0 });
  });
});
