import { describe, expect, test } from "vitest";
import { Deferred, failure, openSessions, settle, until } from "../../test/sessions.ts";
import { type Bytes, encodeText } from "../core/bytes.ts";
import { Connection } from "../core/connection/connection.ts";
import type { ConnectionOptions } from "../core/connection/connection-options.ts";
import { MAIN_LANE } from "../core/lanes/lane.ts";
import { resolveLimits } from "../core/limits.ts";
import {
  type AcceptOptions,
  accept,
  client,
  contract,
  implement,
  memoryPair,
  type Session,
  type,
  unary,
} from "../index.ts";
import { VirtualClock } from "../testing/clock.ts";
import type { MemoryTransport } from "../transports/memory.ts";

const api = contract({ secret: unary({ input: type<void>(), output: type<string>() }) });

/** A client without a session, that can do what a session does not. */
class RawClient {
  readonly connection: Connection;
  readonly transport: MemoryTransport;
  readonly received: Bytes[] = [];
  closed = false;

  constructor(transport: MemoryTransport, options: Partial<ConnectionOptions> = {}) {
    this.transport = transport;
    this.connection = new Connection({
      role: "client",
      messageBoundaries: true,
      limits: resolveLimits(),
      codecs: ["json"],
      now: 0,
      ...options,
    });
    transport.start({
      data: (lane, bytes) => {
        this.received.push(bytes);
        this.connection.receive(lane, bytes, 0);
      },
      drain: () => {},
      lane: () => {},
      datagram: () => {},
      closed: () => {
        this.closed = true;
      },
    });
  }

  /** Write all that there is to write. */
  flush(): void {
    for (;;) {
      const record = this.connection.takeOutput(MAIN_LANE, 1 << 16, 0);
      if (record === undefined) return;
      this.transport.write(MAIN_LANE, record);
    }
  }
}

function open(options: AcceptOptions) {
  const pair = memoryPair();
  let calls = 0;
  const sessions: Session[] = [];
  const service = implement(api, {
    secret: () => {
      calls++;
      return "42";
    },
  });
  const session = accept(pair.b, {
    ...options,
    onSession: (opened) => {
      sessions.push(opened);
      service.attach(opened);
      return options.onSession?.(opened);
    },
  });
  return {
    session,
    sessions,
    raw: (given?: Partial<ConnectionOptions>) => new RawClient(pair.a, given),
    calls: () => calls,
  };
}

describe("authenticate", () => {
  test("gets the token and the HELLO; what it returns is the principal", async () => {
    const { client: session, server } = await openSessions({
      client: { auth: "tok€n", agent: "test/1" },
      server: {
        authenticate: ({ token, hello, signal }) => ({
          token: new TextDecoder().decode(token),
          agent: hello.agent,
          aborted: signal.aborted,
        }),
      },
    });
    expect(server.principal).toEqual({ token: "tok€n", agent: "test/1", aborted: false });
    expect(session.principal).toBe(undefined);
    await session.close();
  });

  test("is asked with the bytes that an async source of credentials gives", async () => {
    const { client: session, server } = await openSessions({
      client: { auth: async () => new Uint8Array([1, 2, 3]) },
      server: { authenticate: ({ token }) => token },
    });
    expect(server.principal).toEqual(new Uint8Array([1, 2, 3]));
    await session.close();
  });

  test("may return a promise of another make: it is awaited", async () => {
    const other = Promise.resolve(false).then(() => Promise.reject(new Error("no")));
    other.catch(() => {});
    // biome-ignore lint/suspicious/noThenProperty: what database libraries return
    const foreign = { then: other.then.bind(other) };
    const error = await failure(openSessions({ server: { authenticate: () => foreign } }));
    expect(error).toMatchObject({ code: "ERR_AUTH" });
  });

  test.each([
    [
      "throws",
      () => {
        throw new Error("user ada has no row in /var/db");
      },
    ],
    ["rejects", () => Promise.reject(new Error("user ada has no row in /var/db"))],
  ])("that %s refuses the client without a reason", async (_, authenticate) => {
    const { session, sessions, raw } = open({ authenticate });
    const peer = raw();
    peer.flush();
    await until(() => peer.closed);
    expect(peer.connection.error).toMatchObject({ code: "ERR_AUTH", message: "Authentication failed" });
    const bytes = Buffer.concat(peer.received).toString("latin1");
    expect(bytes).not.toMatch(/ada|var/);
    expect(sessions).toEqual([]);
    expect(await session.closed).toMatchObject({ code: "ERR_AUTH" });
  });

  test("comes before any other frame: early data is kept, and delivered after it", async () => {
    const gate = new Deferred<string>();
    const { session, sessions, raw, calls } = open({ authenticate: () => gate.promise });
    const peer = raw();
    const stream = peer.connection.mux.open({ name: "secret", priority: 3, metadata: new Uint8Array(0) });
    stream.trySend(encodeText(""));
    stream.finish();
    peer.flush();
    await settle();
    expect([calls(), sessions.length, session.state, session.stats().streams]).toEqual([
      0,
      0,
      "connecting",
      0,
    ]);
    expect(peer.received).toEqual([]);
    gate.resolve("ada");
    await until(() => stream.receive.finished);
    expect([calls(), session.principal, new TextDecoder().decode(stream.read())]).toEqual([1, "ada", '"42"']);
    await session.close();
  });

  test("refused early data reaches no handler", async () => {
    const gate = new Deferred();
    const { session, raw, calls } = open({ authenticate: () => gate.promise });
    const peer = raw();
    const stream = peer.connection.mux.open({ name: "secret", priority: 3, metadata: new Uint8Array(0) });
    stream.finish();
    peer.flush();
    await settle();
    gate.reject(new Error("no"));
    expect(await session.closed).toMatchObject({ code: "ERR_AUTH" });
    expect([calls(), session.stats().streams]).toEqual([0, 0]);
  });

  test("early data beyond 8 KiB closes the connection", async () => {
    const { session, raw } = open({ authenticate: () => new Promise(() => {}) });
    const peer = raw();
    peer.flush();
    for (let i = 0; i < 3; i++) peer.transport.write(MAIN_LANE, new Uint8Array(3_000));
    expect(await session.closed).toMatchObject({ code: "ERR_LIMIT" });
    await until(() => peer.closed);
  });

  test("its signal is aborted when the client leaves", async () => {
    let signal: AbortSignal | undefined;
    const { session, raw } = open({
      authenticate: (request) => {
        ({ signal } = request);
        return new Promise(() => {});
      },
    });
    const peer = raw();
    peer.flush();
    await until(() => signal !== undefined);
    peer.transport.close(1_000, "");
    await session.closed;
    expect(signal?.aborted).toBe(true);
  });

  test("that comes to its end after the client has left lets nobody in", async () => {
    const gate = new Deferred();
    const { session, sessions, raw } = open({ authenticate: () => gate.promise });
    const peer = raw();
    peer.flush();
    await settle();
    peer.transport.close(1_000, "");
    await session.closed;
    gate.resolve();
    await settle();
    expect([session.state, sessions.length]).toEqual(["closed", 0]);
  });
});

describe("the handshake", () => {
  test("of a silent client ends after handshakeMs, without a word", async () => {
    const clock = new VirtualClock();
    const { session, raw } = open({ clock });
    const peer = raw();
    clock.advanceTo(9_999);
    await settle();
    expect(session.state).toBe("connecting");
    clock.advanceTo(10_000);
    expect(await session.closed).toMatchObject({ code: "ERR_TIMEOUT" });
    await until(() => peer.closed);
    expect(peer.received).toEqual([]);
    expect(clock.waiting).toBe(0);
  });

  test("of a client that is never let in ends too, and it is told", async () => {
    const clock = new VirtualClock();
    const { session, raw } = open({ clock, authenticate: () => new Promise(() => {}) });
    const peer = raw();
    peer.flush();
    await settle();
    clock.advanceTo(10_000);
    expect(await session.closed).toMatchObject({ code: "ERR_TIMEOUT" });
    await until(() => peer.closed);
    expect(peer.connection.error).toMatchObject({ code: "ERR_TIMEOUT" });
  });

  test("of something that is no client ends without a word", async () => {
    const { session, raw } = open({});
    const peer = raw();
    peer.transport.write(MAIN_LANE, new Uint8Array([0, 0x24, 4, 1]));
    expect(await session.closed).toMatchObject({ code: "ERR_PROTOCOL" });
    await until(() => peer.closed);
    expect(peer.received).toEqual([]);
  });
});

describe("onSession", () => {
  test("may call the client at once, where that has its handlers from the start", async () => {
    const name = contract({ name: unary({ input: type<void>(), output: type<string>() }) });
    const names: Promise<string>[] = [];
    const { client: session } = await openSessions({
      client: { onSession: (opened) => implement(name, { name: () => "browser" }).attach(opened) },
      server: { onSession: (opened) => void names.push(client(opened, name).name()) },
    });
    expect(await names[0]).toBe("browser");
    await session.close();
  });

  test.each([
    [
      "throws",
      () => {
        throw new Error("secret");
      },
    ],
    ["rejects", () => Promise.reject(new Error("secret"))],
  ])("that %s ends its session only, without a reason", async (_, onSession) => {
    const { session, raw } = open({ onSession });
    const peer = raw();
    peer.flush();
    await until(() => peer.closed);
    expect(peer.connection.error).toMatchObject({ code: "ERR_INTERNAL", message: "Internal error" });
    const error = await session.closed;
    expect(error).toMatchObject({ code: "ERR_INTERNAL", cause: { message: "secret" } });
  });
});
