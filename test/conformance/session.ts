import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Bytes } from "../../src/core/bytes.ts";
import {
  type AcceptOptions,
  CallError,
  type ConnectOptions,
  client,
  clientStream,
  contract,
  duplex,
  type ErrorName,
  errorOf,
  implement,
  type Session,
  serverStream,
  type,
  unary,
} from "../../src/index.ts";
import { Deferred, failure, settle, sleep, until } from "../sessions.ts";

/** Both ends of one session. */
export interface OpenSession {
  readonly client: Session;
  readonly server: Session;
  /** Break the path between them. */
  lose(): void;
  /** What both sessions are told then; `ERR_CONNECTION_LOST` where it is not said. */
  readonly lossCode?: ErrorName;
  /** Free what `open` made. The sessions may be closed already. */
  cleanup(): Promise<void>;
}

/** Opens a session with these options; the client must not connect again unless they say so. */
export type OpenSessions = (client: ConnectOptions, server: AcceptOptions) => Promise<OpenSession>;

const KIB = 1_024;
/** Around the limits of records, frames and windows. */
const SIZES = [
  1,
  2,
  63,
  64,
  1_000,
  16_383,
  16_384,
  65_000,
  65_536,
  65_537,
  262_144,
  1_048_577,
  16 * KIB * KIB,
];

const api = contract({
  add: unary({ input: type<readonly [number, number]>(), output: type<number>() }),
  wait: unary({
    input: type<void>(),
    output: type<string>(),
    errors: { LATE: type<{ readonly by: number }>() },
  }),
  about: unary({ input: type<void>(), output: type<unknown>() }),
  fail: unary({
    input: type<string>(),
    output: type<void>(),
    errors: { LATE: type<{ readonly by: number }>() },
  }),
  count: serverStream({ input: type<number>(), output: type<number>() }),
  // Where the transport has lanes, these travel on some of their own.
  fill: serverStream({ input: type<number>(), output: type<string>(), lane: "own" }),
  sum: clientStream({ input: type<number>(), output: type<number>() }),
  echo: duplex({ input: type<string>(), output: type<string>(), lane: "own" }),
});

/** Handlers, and what they saw. */
class Peer {
  gate = new Deferred<string>();
  aborted: unknown[] = [];
  yields = 0;
  readonly service = implement(api, {
    add: ([a, b]) => a + b,
    wait: (_, { signal }) => {
      signal.addEventListener("abort", () => this.aborted.push(signal.reason));
      return this.gate.promise;
    },
    about: (_, { headers, trace, remainingMs, principal }) => ({
      headers: [...headers],
      trace,
      hasDeadline: remainingMs !== undefined,
      principal,
    }),
    fail: (kind, context) => {
      if (kind === "typed") throw context.error("LATE", { by: 5 }, "Too late");
      throw new Error("secret");
    },
    count: function* (to) {
      for (let i = 1; i <= to; i++) yield i;
    },
    fill: (bytes) => this.#fill(bytes),
    sum: async (numbers) => {
      let total = 0;
      for await (const number of numbers) total += number;
      return total;
    },
    echo: async function* (messages) {
      for await (const message of messages) yield message;
    },
  });

  *#fill(bytes: number): Generator<string> {
    for (;;) {
      this.yields++;
      yield "x".repeat(bytes);
    }
  }
}

/** The contract of a session and of the calls on it, tested over any transport. */
export function sessionSuite(name: string, open: OpenSessions): void {
  describe(`${name}: session contract`, () => {
    let opened: OpenSession | undefined;
    let peer: Peer;

    beforeEach(() => {
      peer = new Peer();
    });

    async function start(clientOptions: ConnectOptions = {}, serverOptions: AcceptOptions = {}) {
      const { service } = peer;
      opened = await open(
        {
          ...clientOptions,
          onSession: (session) => {
            service.attach(session);
            clientOptions.onSession?.(session);
          },
        },
        {
          ...serverOptions,
          onSession: (session) => {
            service.attach(session);
            serverOptions.onSession?.(session);
          },
        },
      );
      return { ...opened, up: client(opened.client, api), down: client(opened.server, api) };
    }

    afterEach(async () => {
      peer.gate.resolve("closed");
      await opened?.client.close();
      await opened?.cleanup();
      opened = undefined;
    });

    describe("calls", () => {
      test("of all four shapes work from both sides", async () => {
        const { up, down } = await start();
        for (const calls of [up, down]) {
          expect(await calls.add([1, 2])).toBe(3);
          const counted: number[] = [];
          for await (const number of calls.count(300)) counted.push(number);
          expect(counted).toEqual(Array.from({ length: 300 }, (_, i) => i + 1));
          expect(await calls.sum().sendAll(counted)).toBe(45_150);
          const echo = calls.echo();
          await echo.send("a");
          expect(await echo.receive()).toBe("a");
          echo.end();
          expect(await echo.receive()).toBe(undefined);
        }
      });

      test("of both sides cross each other", async () => {
        const { up, down } = await start();
        const sums = Array.from({ length: 300 }, (_, i) => (i % 2 === 0 ? up : down).add([i, i]));
        expect(await Promise.all(sums)).toEqual(Array.from({ length: 300 }, (_, i) => 2 * i));
      });

      test("carry headers, trace, deadline and principal", async () => {
        const { up } = await start(
          { auth: "ada" },
          { authenticate: ({ token }) => new TextDecoder().decode(token) },
        );
        const options = { headers: [["k", "ü"]], trace: "00-trace", deadlineMs: 5_000 } as const;
        expect(await up.about(undefined, options)).toEqual({
          headers: [["k", "ü"]],
          trace: "00-trace",
          hasDeadline: true,
          principal: "ada",
        });
      });

      test("are cancelled on both sides", async () => {
        const { up } = await start();
        const abort = new AbortController();
        const call = failure(up.wait(undefined, { signal: abort.signal }));
        await settle();
        abort.abort();
        expect(await call).toMatchObject({ code: "ERR_CANCELLED" });
        await until(() => peer.aborted.length === 1);
        expect(peer.aborted[0]).toMatchObject({ code: "ERR_CANCELLED" });
      });

      test("end at their deadline on both sides", async () => {
        const { up } = await start();
        expect(await failure(up.wait(undefined, { deadlineMs: 30 }))).toMatchObject({ code: "ERR_DEADLINE" });
        await until(() => peer.aborted.length === 1);
        expect(peer.aborted[0]).toMatchObject({ code: "ERR_DEADLINE" });
        expect(await up.add([1, 1])).toBe(2);
      });

      test("give typed errors, and nothing of other errors", async () => {
        const { up } = await start();
        const error = await failure(up.fail("typed"));
        expect(error).toBeInstanceOf(CallError);
        expect(error).toMatchObject({ code: "ERR_APPLICATION", name: "LATE", message: "Too late" });
        expect(errorOf(api.fail, error)?.details).toEqual({ by: 5 });
        expect(await failure(up.fail("other"))).toMatchObject({
          code: "ERR_INTERNAL",
          message: "Internal error",
        });
      });

      test("more than maxStreams wait for their turn", async () => {
        const { up } = await start({}, { limits: { maxStreams: 16 } });
        const sums = Array.from({ length: 200 }, (_, i) => up.add([i, 1]));
        expect(await Promise.all(sums)).toEqual(Array.from({ length: 200 }, (_, i) => i + 1));
      });

      test("over maxCalls are refused with the limit's name", async () => {
        const { up } = await start({}, { limits: { maxCalls: 2 } });
        const open = [up.wait(), up.wait()];
        await settle();
        const error = await failure(up.wait());
        expect(error).toMatchObject({ code: "ERR_OVERLOADED", message: expect.stringContaining("maxCalls") });
        peer.gate.resolve("done");
        expect(await Promise.all(open)).toEqual(["done", "done"]);
      });
    });

    describe("streams", () => {
      test("carry messages of every size in both directions", async () => {
        const { client: session } = await start(
          {},
          {
            onSession: (accepted) =>
              accepted.onStream("bytes", async (stream) => {
                for await (const message of stream) await stream.send(message);
                await stream.close();
              }),
          },
        );
        const stream = session.openStream("bytes");
        for (const size of SIZES) {
          const message = sample(size);
          await stream.send(message);
          const echoed = (await stream.receive()) as Bytes;
          expect(Buffer.compare(echoed, sample(size)), `${size} bytes`).toBe(0);
        }
        await stream.close();
        expect(await stream.receive()).toBe(undefined);
      }, 60_000);

      test("longer than maxMessageBytes are refused before they are sent", async () => {
        const { client: session } = await start({}, { limits: { maxMessageBytes: 100_000 } });
        const stream = session.openStream("any");
        expect(await failure(stream.send(new Uint8Array(100_001)))).toMatchObject({
          code: "ERR_MESSAGE_TOO_LARGE",
        });
        expect(session.state).toBe("open");
      });

      test("many at a time keep apart", async () => {
        const { up } = await start();
        const echoes = Array.from({ length: 100 }, () => up.echo());
        for (let round = 0; round < 5; round++) {
          for (const [i, echo] of echoes.entries()) await echo.send(`${i}.${round}`);
        }
        for (const echo of echoes) echo.end();
        for (const [i, echo] of echoes.entries()) {
          const heard: string[] = [];
          for await (const message of echo) heard.push(message);
          expect(heard).toEqual([0, 1, 2, 3, 4].map((round) => `${i}.${round}`));
        }
      });

      test("a slow reader holds its own stream back, and no other", async () => {
        const limits = { streamWindowBytes: 65_536, maxStreamWindowBytes: 65_536 };
        const { up } = await start({ limits });
        const slow = up.fill(1_000);
        await slow.receive();
        await sleep(30);
        const { yields } = peer;
        expect(yields).toBeLessThan(100);
        for (let i = 0; i < 50; i++) expect(await up.add([i, 1])).toBe(i + 1);
        expect(peer.yields).toBe(yields);
        for (let i = 0; i < 100; i++) await slow.receive();
        expect(peer.yields).toBeGreaterThanOrEqual(100);
        slow.cancel();
      });

      test("of a higher class overtake what waits", async () => {
        const { up } = await start();
        const order: string[] = [];
        const large = "x".repeat(4 * KIB * KIB);
        const low = up.echo({ priority: 7 });
        const sent = low.send(large);
        const heard = low.receive().then(() => order.push("low"));
        const high = up.add([1, 2], { priority: 0 }).then(() => order.push("high"));
        await Promise.all([sent, high, heard]);
        expect(order).toEqual(["high", "low"]);
        low.cancel();
      });
    });

    test("datagrams go both ways", async () => {
      const { client: session, server } = await start();
      const got: number[] = [];
      for (const end of [session, server]) {
        end.addEventListener("datagram", (event) => got.push(event.payload[0] as number));
      }
      expect(session.sendDatagram(new Uint8Array([1]))).toBe(true);
      expect(server.sendDatagram(new Uint8Array([2]))).toBe(true);
      expect(session.sendDatagram(new Uint8Array(5_000))).toBe(false);
      await until(() => got.length === 2);
      expect(got.sort()).toEqual([1, 2]);
    });

    test("nothing is left after all that", async () => {
      const { client: session, server, up } = await start();
      await Promise.all(Array.from({ length: 100 }, (_, i) => up.add([i, i])));
      for await (const number of up.count(100)) if (number === 50) break;
      await until(() => session.stats().streams === 0 && server.stats().streams === 0);
      for (const end of [session, server]) {
        expect(end.stats()).toMatchObject({ queuedBytes: 0, unreadBytes: 0, streams: 0, state: "open" });
      }
      await until(() => session.stats().bytesSent === server.stats().bytesReceived);
      await until(() => server.stats().bytesSent === session.stats().bytesReceived);
    });

    test("the peer's close in order is the end of both, a loss is an error", async () => {
      const { client: session, server } = await start();
      await session.close();
      expect([await session.closed, await server.closed]).toEqual([undefined, undefined]);
      await opened?.cleanup();
      const second = await start({ reconnect: false });
      const { lossCode = "ERR_CONNECTION_LOST" } = second;
      const call = failure(second.up.wait());
      await settle();
      opened?.lose();
      expect(await call).toMatchObject({ code: lossCode });
      expect(await second.client.closed).toMatchObject({ code: lossCode });
      expect(await second.server.closed).toMatchObject({ code: lossCode });
      expect(peer.aborted).toMatchObject([{ code: lossCode }]);
    });
  });
}

function sample(size: number): Bytes {
  const bytes: Bytes = new Uint8Array(size);
  for (let i = 0; i < size; i += 97) bytes[i] = (i * 31 + size) & 0xff;
  bytes[size - 1] = size & 0xff;
  return bytes;
}
