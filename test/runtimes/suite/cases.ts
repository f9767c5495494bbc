import { type Client, type ConnectOptions, client, errorOf, type Session } from "tideway";
import { compression, loadCompressors } from "tideway/compression";
import { check, checkSample, codeOf, equal, failure, sample, sleep, until } from "./assert.ts";
import { api, BYTES_STREAM, MAX_CALLS, MAX_MESSAGE_BYTES, TOKEN } from "./contract.ts";
import { checkGolden, checkGoldenSchemas, checkHostile } from "./golden.ts";
import { serveSession } from "./peer.ts";

/** What a client of some runtime brings. */
export interface SuiteTarget {
  /** Where the server is. */
  readonly url: string;
  /** A way to it on which connections are cut, one after the other, some 200 KB apart; missing where there is none. */
  readonly cutsUrl?: string;
  /** A way to it that is cut once, after 20 KB; missing where there is none. */
  readonly lossUrl?: string;
}

/** Opens sessions. */
export type Connect = (url: string, options: ConnectOptions) => Promise<Session>;

/** One thing that must work. */
export interface Case {
  readonly name: string;
  /** Which address of the target it needs. */
  readonly needs: keyof SuiteTarget;
  run(open: (options?: ConnectOptions) => Promise<Opened>): Promise<void>;
}

/** A session, and calls on it. */
export interface Opened {
  readonly session: Session;
  readonly calls: Client<typeof api>;
}

/** Connects, and closes what was opened when the case is over. */
export function opener(connect: Connect, url: string) {
  const sessions: Session[] = [];
  return {
    async open(options: ConnectOptions = {}): Promise<Opened> {
      const session = await connect(url, { auth: TOKEN, onSession: serveSession, ...options });
      sessions.push(session);
      return { session, calls: client(session, api) };
    },
    async close(): Promise<void> {
      for (const session of sessions) await session.close();
    },
  };
}

const SIZES = [1, 63, 64, 1_000, 16_384, 65_535, 65_536, 65_537, 262_144, 1_048_577, MAX_MESSAGE_BYTES];

/** The suite. */
export const CASES: readonly Case[] = [
  {
    name: "credentials are checked",
    needs: "url",
    async run(open) {
      equal(await codeOf(open({ auth: "eve", reconnect: false })), "ERR_AUTH");
      const { calls } = await open();
      equal((await calls.about()).principal, TOKEN);
    },
  },
  {
    name: "unary calls",
    needs: "url",
    async run(open) {
      const { calls } = await open();
      const sums = Array.from({ length: 300 }, (_, i) => calls.add([i, i]));
      equal(
        await Promise.all(sums),
        Array.from({ length: 300 }, (_, i) => 2 * i),
      );
    },
  },
  {
    name: "server streams",
    needs: "url",
    async run(open) {
      const { calls } = await open();
      let expected = 1;
      for await (const number of calls.count(500)) equal(number, expected++);
      equal(expected, 501);
    },
  },
  {
    name: "client streams",
    needs: "url",
    async run(open) {
      const { calls } = await open();
      const numbers = Array.from({ length: 500 }, (_, i) => i);
      equal(await calls.sum().sendAll(numbers), 124_750);
    },
  },
  {
    name: "duplex calls",
    needs: "url",
    async run(open) {
      const { calls } = await open();
      const echo = calls.echo();
      for (let i = 0; i < 50; i++) {
        await echo.send(`${i} ü`);
        equal(await echo.receive(), `${i} ü`);
      }
      echo.end();
      equal(await echo.receive(), undefined);
    },
  },
  {
    name: "calls from the server to the client",
    needs: "url",
    async run(open) {
      const { calls } = await open();
      equal(await calls.callBack(40), [41, 40, 820, 12]);
    },
  },
  {
    name: "headers, trace, deadline",
    needs: "url",
    async run(open) {
      const { calls } = await open();
      const about = await calls.about(undefined, {
        headers: [["k", "ü"]],
        trace: "00-trace",
        deadlineMs: 5_000,
      });
      equal(about, { headers: [["k", "ü"]], trace: "00-trace", hasDeadline: true, principal: TOKEN });
    },
  },
  {
    name: "typed errors",
    needs: "url",
    async run(open) {
      const { calls } = await open();
      const error = await failure(calls.fail("typed"));
      equal(errorOf(api.fail, error)?.details, { by: 5 });
      const other = await failure(calls.fail("other"));
      equal(other instanceof Error && other.message, "Internal error");
      equal(await codeOf(calls.fail("other")), "ERR_INTERNAL");
    },
  },
  {
    name: "cancellation",
    needs: "url",
    async run(open) {
      const { calls } = await open();
      const abort = new AbortController();
      const code = codeOf(calls.wait(undefined, { signal: abort.signal }));
      await calls.add([1, 1]);
      abort.abort();
      equal(await code, "ERR_CANCELLED");
      await until(async () => (await calls.aborted()).length === 1);
      equal(await calls.aborted(), ["ERR_CANCELLED"]);
    },
  },
  {
    name: "deadlines",
    needs: "url",
    async run(open) {
      const { calls } = await open();
      equal(await codeOf(calls.wait(undefined, { deadlineMs: 50 })), "ERR_DEADLINE");
      await until(async () => (await calls.aborted()).length === 1);
      equal(await calls.aborted(), ["ERR_DEADLINE"]);
    },
  },
  {
    name: "the limit of calls",
    needs: "url",
    async run(open) {
      const { calls } = await open();
      const abort = new AbortController();
      const running = Array.from({ length: MAX_CALLS }, () =>
        codeOf(calls.wait(undefined, { signal: abort.signal })),
      );
      equal(await codeOf(calls.wait()), "ERR_OVERLOADED");
      abort.abort();
      check(
        (await Promise.all(running)).every((code) => code === "ERR_CANCELLED"),
        "every call to be cancelled",
      );
      // Until the server has heard of it, this call is one too many itself.
      await until(async () => (await calls.aborted().catch(() => [])).length === MAX_CALLS);
    },
  },
  {
    name: "messages of 1 byte to 16 MiB, both ways",
    needs: "url",
    async run(open) {
      const { session } = await open();
      const stream = session.openStream(BYTES_STREAM);
      for (const size of SIZES) {
        await stream.send(sample(size));
        checkSample((await stream.receive()) as Uint8Array | undefined, size);
      }
      await stream.close();
      equal(await stream.receive(), undefined);
    },
  },
  {
    name: "the limit of a message",
    needs: "url",
    async run(open) {
      const { session } = await open();
      const stream = session.openStream(BYTES_STREAM);
      equal(await codeOf(stream.send(new Uint8Array(MAX_MESSAGE_BYTES + 1))), "ERR_MESSAGE_TOO_LARGE");
      equal(session.state, "open");
    },
  },
  {
    name: "24 MiB through one stream",
    needs: "url",
    async run(open) {
      const { calls } = await open();
      let received = 0;
      for await (const text of calls.fill(60_000)) {
        received += text.length;
        if (received >= 24 * 1024 * 1024) break;
      }
    },
  },
  {
    name: "a slow reader holds back its own stream alone",
    needs: "url",
    async run(open) {
      const limits = { streamWindowBytes: 65_536, maxStreamWindowBytes: 65_536 };
      const { calls } = await open({ limits });
      const slow = calls.fill(1_000);
      await slow.receive();
      let before = -1;
      await until(async () => {
        const last = before;
        before = await calls.filled();
        await sleep(30);
        return last === before;
      });
      check(before < 150, `fewer than 150 messages, got ${before}`);
      for (let i = 0; i < 50; i++) equal(await calls.add([i, 1]), i + 1);
      equal(await calls.filled(), before);
      for (let i = 0; i < 100; i++) await slow.receive();
      check((await calls.filled()) >= 100, "the stream to go on");
      slow.cancel();
    },
  },
  {
    name: "priority",
    needs: "url",
    async run(open) {
      const { calls } = await open();
      await calls.add([0, 0]);
      const order: string[] = [];
      const low = calls.echo({ priority: 7 });
      const sent = low.send("x".repeat(8 * 1024 * 1024));
      const heard = low.receive().then(() => order.push("low"));
      const high = calls.add([1, 2], { priority: 0 }).then(() => order.push("high"));
      await Promise.all([sent, heard, high]);
      equal(order, ["high", "low"]);
      low.cancel();
    },
  },
  {
    name: "datagrams",
    needs: "url",
    async run(open) {
      const { session, calls } = await open({ onSession: () => {} });
      await calls.add([0, 0]);
      const got: number[] = [];
      session.addEventListener("datagram", ({ payload }) => got.push(payload[0] as number));
      equal(session.sendDatagram(new Uint8Array([1])), true);
      equal(session.sendDatagram(new Uint8Array([2])), true);
      equal(session.sendDatagram(new Uint8Array(5_000)), false);
      await until(() => got.length === 2);
      equal(got.sort(), [1, 2]);
    },
  },
  {
    name: "100 streams at a time",
    needs: "url",
    async run(open) {
      const { calls } = await open({ limits: { maxCalls: 200 } });
      const sums: Promise<number>[] = [];
      for (let i = 0; i < 50; i++) sums.push(calls.sum().sendAll([i, i, i]));
      equal(
        await Promise.all(sums),
        Array.from({ length: 50 }, (_, i) => 3 * i),
      );
      const { session } = await open();
      const streams = Array.from({ length: 100 }, () => session.openStream(BYTES_STREAM));
      for (const [i, stream] of streams.entries()) await stream.send(sample(100 + i));
      for (const [i, stream] of streams.entries()) {
        checkSample((await stream.receive()) as Uint8Array | undefined, 100 + i);
        await stream.close();
      }
    },
  },
  {
    name: "nothing is left behind",
    needs: "url",
    async run(open) {
      const { session, calls } = await open();
      await Promise.all(Array.from({ length: 60 }, (_, i) => calls.add([i, i])));
      for await (const number of calls.count(100)) if (number === 50) break;
      await until(() => session.stats().streams === 0);
      const { queuedBytes, unreadBytes, streams, state } = session.stats();
      equal(
        { queuedBytes, unreadBytes, streams, state },
        { queuedBytes: 0, unreadBytes: 0, streams: 0, state: "open" },
      );
    },
  },
  {
    name: "a session is carried on over three cuts",
    needs: "cutsUrl",
    async run(open) {
      const { session, calls } = await open({ reconnect: { minMs: 5, maxMs: 50 } });
      const waiting = codeOf(calls.wait(undefined, { deadlineMs: 20_000 }));
      const stream = session.openStream(BYTES_STREAM);
      // Random: some runtimes compress WebSockets by themselves, and the cuts are at bytes.
      const sent = Array.from({ length: 150 }, () => crypto.getRandomValues(new Uint8Array(6_000)));
      const heard: unknown[] = [];
      const receiving = (async () => {
        for await (const message of stream) heard.push(message);
      })();
      for (const message of sent) await stream.send(message);
      await stream.close();
      await receiving;
      equal(heard.length, sent.length, "messages");
      for (const [i, message] of sent.entries()) equal(heard[i], message, `message ${i}`);
      const { reconnects, resumes } = session.stats();
      equal([reconnects, resumes], [3, 3], "reconnects and resumes");
      equal(await calls.aborted(), [], "aborted calls");
      await session.close();
      check((await waiting) !== "ERR_DEADLINE", "the call to wait until the session is closed");
    },
  },
  {
    name: "a loss is told",
    needs: "lossUrl",
    async run(open) {
      const { session, calls } = await open({ reconnect: false });
      const waiting = codeOf(calls.wait());
      const filling = codeOf(
        (async () => {
          for await (const _ of calls.fill(1_000)) {
            // until the cut
          }
        })(),
      );
      equal(await Promise.all([waiting, filling]), ["ERR_CONNECTION_LOST", "ERR_CONNECTION_LOST"]);
      equal((await session.closed)?.code, "ERR_CONNECTION_LOST");
    },
  },
  {
    name: "records are compressed, and secrets are not",
    needs: "url",
    async run(open) {
      const compressors = await loadCompressors(["zstd", "lz4"]);
      const { session, calls } = await open({ compression: compression(compressors, { sameMachine: true }) });
      const text = "All of these words come again, and again. ".repeat(200);
      const echo = async (options: { compress?: boolean }, name: "echo" | "echoSecret" = "echo") => {
        const call = calls[name](options);
        await call.send(text);
        equal(await call.receive(), text);
        call.end();
        return session.stats();
      };
      const { bytesSaved } = await echo({});
      check(bytesSaved > 7_000, `${bytesSaved} bytes were saved`);
      let before = (await echo({})).bytesReceived;
      const savedBefore = session.stats().bytesSaved;
      for (const [options, name] of [
        [{ compress: false }, "echo"],
        [{}, "echoSecret"],
        [{ compress: true }, "echoSecret"],
      ] as const) {
        const { bytesReceived } = await echo(options, name);
        check(
          bytesReceived - before > text.length,
          `${bytesReceived - before} bytes of a secret were received`,
        );
        before = bytesReceived;
      }
      const saved = session.stats().bytesSaved - savedBefore;
      check(saved < 300, `${saved} bytes of secrets were saved`);
      equal(await codeOf(calls.fail("other")), "ERR_INTERNAL");
    },
  },
  {
    name: "the golden file of the schema codec holds, on both sides",
    needs: "url",
    async run(open) {
      const { calls } = await open();
      for (const { cases, problems } of [checkGoldenSchemas(), await calls.goldenSchemas(undefined)]) {
        equal(problems, []);
        check(cases >= 70, `${cases} cases`);
      }
    },
  },
  {
    name: "hostile bytes do no harm to any codec, on both sides",
    needs: "url",
    async run(open) {
      const { calls } = await open();
      for (const { cases, problems } of [checkHostile(), await calls.hostile()]) {
        equal(problems, []);
        check(cases >= 140, `${cases} cases`);
      }
    },
  },
  {
    name: "golden files of compression are read, on both sides",
    needs: "url",
    async run(open) {
      const { calls } = await open();
      for (const { right, wrong } of [await checkGolden(), await calls.golden()]) {
        equal(wrong, []);
        check((right["lz4"] ?? 0) >= 56, `${right["lz4"]} of LZ4`);
        check((right["deflate"] ?? 0) >= 42, `${right["deflate"]} of deflate`);
      }
    },
  },
  {
    name: "a close in order",
    needs: "url",
    async run(open) {
      const { session, calls } = await open();
      equal(await calls.add([1, 1]), 2);
      await session.close();
      equal(await session.closed, undefined);
      equal(session.state, "closed");
    },
  },
];
