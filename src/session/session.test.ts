import { describe, expect, test } from "vitest";
import { failure, openSessions, settle, sleep, until } from "../../test/sessions.ts";
import { type Bytes, jsonCodec, type MessageStream, type Session, StreamError } from "../index.ts";

const json = jsonCodec();
const bytes = (...values: number[]): Bytes => new Uint8Array(values);

/** Sessions whose server echoes. */
async function openEcho(handler?: (stream: MessageStream) => void | Promise<void>) {
  return openSessions({
    client: { reconnect: false },
    server: {
      onSession: (session) =>
        session.onStream(
          "echo",
          handler ??
            (async (stream) => {
              for await (const message of stream) await stream.send(message);
              await stream.close();
            }),
        ),
    },
  });
}

describe("a stream", () => {
  test("carries messages both ways, and both halves end by themselves", async () => {
    const { client, server } = await openEcho();
    const stream = client.openStream("echo");
    await stream.send(bytes(1));
    expect(await stream.receive()).toEqual(bytes(1));
    await stream.send(bytes());
    expect(await stream.receive()).toEqual(bytes());
    await stream.close();
    expect(await stream.receive()).toBe(undefined);
    await until(() => client.stats().streams === 0 && server.stats().streams === 0);
    await client.close();
  });

  test("has headers and a codec", async () => {
    const seen: unknown[] = [];
    const { client } = await openSessions({
      server: {
        onSession: (session) =>
          session.onStream(
            "typed",
            async (stream) => {
              seen.push(stream.name, [...stream.headers], await stream.receive());
            },
            { codec: json },
          ),
      },
    });
    const stream = client.openStream("typed", { codec: json, headers: [["a", "b"]] });
    await stream.send({ deep: [1] });
    await stream.close();
    expect(seen).toEqual(["typed", [["a", "b"]], { deep: [1] }]);
    await client.close();
  });

  test("an undefined message is not the end", async () => {
    const { client } = await openSessions({
      server: {
        onSession: (session) =>
          session.onStream(
            "blanks",
            async (stream) => {
              for (const message of [undefined, 1, undefined]) await stream.send(message);
              await stream.close();
            },
            { codec: json },
          ),
      },
    });
    const messages: unknown[] = [];
    for await (const message of client.openStream("blanks", { codec: json })) messages.push(message);
    expect(messages).toEqual([undefined, 1, undefined]);
    await client.close();
  });

  test("sends that nobody awaits leave in order, and close() comes after them", async () => {
    const got: number[] = [];
    const { client } = await openEcho(async (stream) => {
      for await (const message of stream) got.push(message[0] as number);
    });
    const stream = client.openStream("echo");
    for (let i = 0; i < 50; i++) void stream.send(new Uint8Array(50_000).fill(i));
    const closed = stream.close();
    expect(() => stream.trySend(bytes(1))).toThrow("the sending half was closed");
    await closed;
    expect(got).toEqual(Array.from({ length: 50 }, (_, i) => i));
    await client.close();
  });

  test("trySend() says no, ready() says when, and a signal stops the waiting", async () => {
    let hold: MessageStream | undefined;
    const { client } = await openEcho((stream) => {
      hold = stream;
      return new Promise(() => {});
    });
    const stream = client.openStream("echo");
    const message = new Uint8Array(100_000);
    while (stream.trySend(message)) expect(stream.creditBytes).toBeGreaterThanOrEqual(0);
    expect(stream.queuedBytes).toBeGreaterThan(0);
    const abort = new AbortController();
    const waiting = [
      failure(stream.send(message, { signal: abort.signal })),
      failure(stream.ready({ signal: abort.signal })),
      failure(stream.receive({ signal: abort.signal })),
    ];
    const last = stream.send(bytes(9));
    const ready = stream.ready();
    abort.abort("enough");
    expect(await Promise.all(waiting)).toEqual(["enough", "enough", "enough"]);
    expect(await failure(stream.send(message, { signal: abort.signal }))).toBe("enough");
    let tail: Bytes | undefined;
    hold?.listen((received) => {
      tail = received;
    });
    await last;
    await ready;
    await until(() => tail?.length === 1);
    await client.close();
  });

  test("receive() serves several readers in their order", async () => {
    const { client } = await openEcho();
    const stream = client.openStream("echo");
    const reads = [stream.receive(), stream.receive(), stream.receive()];
    for (const value of [1, 2]) await stream.send(bytes(value));
    await stream.close();
    expect(await Promise.all(reads)).toEqual([bytes(1), bytes(2), undefined]);
    await client.close();
  });

  test("is two web streams", async () => {
    const { client } = await openEcho();
    const stream = client.openStream("echo");
    const numbers = new ReadableStream<Bytes>({
      start(controller) {
        for (const value of [1, 2, 3]) controller.enqueue(bytes(value));
        controller.close();
      },
    });
    const written = numbers.pipeTo(stream.writable);
    const read: Bytes[] = [];
    for await (const message of stream.readable) read.push(message);
    await written;
    expect(read).toEqual([bytes(1), bytes(2), bytes(3)]);
    await client.close();
  });

  test("stop() ends the peer's sending, abort() both", async () => {
    const errors: unknown[] = [];
    const { client, server } = await openEcho(async (stream) => {
      const sending = (async () => {
        for (;;) {
          await stream.send(new Uint8Array(1_000));
          await sleep(1);
        }
      })();
      errors.push(await failure(sending));
      stream.stop();
    });
    const stopped = client.openStream("echo");
    await stopped.receive();
    stopped.stop();
    expect(await failure(stopped.receive())).toMatchObject({ code: "ERR_CANCELLED" });
    const aborted = client.openStream("echo");
    await aborted.receive();
    aborted.abort(new StreamError("ERR_OVERLOADED", "no room"));
    expect(() => aborted.trySend(bytes(1))).toThrow("no room");
    await until(() => errors.length === 2);
    expect(errors).toMatchObject([{ code: "ERR_CANCELLED" }, { code: "ERR_OVERLOADED", message: "no room" }]);
    void stopped.close();
    await until(() => client.stats().streams === 0 && server.stats().streams === 0);
    await client.close();
  });

  test("that nobody handles is refused by name", async () => {
    const { client } = await openEcho();
    expect(await failure(client.openStream("other").receive())).toMatchObject({
      code: "ERR_UNKNOWN_METHOD",
      message: 'Cannot accept stream: nobody handles "other"',
    });
    await client.close();
  });

  test("after close() says why it cannot be opened", async () => {
    const { client } = await openEcho();
    await client.close();
    expect(() => client.openStream("echo")).toThrow("Session was closed");
  });

  test.each([
    ["a name over 256 bytes", "n".repeat(257), {}, "longer than 256 bytes"],
    ["a priority over 7", "echo", { priority: 8 }, "priority 8 is not 0 to 7"],
    ["headers over the limit", "echo", { headers: [["k", "v".repeat(9_000)]] as const }, "over the limit"],
  ])("refuses %s", async (_, name, options, message) => {
    const { client } = await openEcho();
    expect(() => client.openStream(name, options)).toThrow(RangeError);
    expect(() => client.openStream(name, options)).toThrow(message);
    expect(client.stats().streams).toBe(0);
    await client.close();
  });

  test("close() that nobody awaits is no unhandled rejection", async () => {
    const { client, pairs } = await openEcho(() => new Promise(() => {}));
    const stream = client.openStream("echo");
    void stream.close();
    await settle();
    pairs[0]?.lose();
    await settle();
    void stream.close();
    await settle();
  });
});

describe("a handler that fails", () => {
  test.each([
    [
      "throws",
      () => {
        throw new Error("secret /path");
      },
    ],
    ["rejects", () => Promise.reject(new Error("secret /path"))],
  ])("and %s ends its stream with a fixed text", async (_, handler) => {
    const { client } = await openEcho(handler);
    const error = await failure(client.openStream("echo").receive());
    expect(error).toMatchObject({ code: "ERR_INTERNAL", message: "Internal error" });
    expect(client.state).toBe("open");
    await client.close();
  });

  test("with a StreamError ends its stream with that", async () => {
    const { client } = await openEcho(() => Promise.reject(new StreamError("ERR_AUTH", "not yours")));
    expect(await failure(client.openStream("echo").receive())).toMatchObject({
      code: "ERR_AUTH",
      message: "not yours",
    });
    await client.close();
  });

  test("a listener that throws harms only its stream, and hears of it", async () => {
    const ends: (StreamError | undefined)[] = [];
    const { client } = await openEcho((stream) => {
      const bad = stream.headers.has("bad");
      stream.listen(
        (message) => {
          if (bad) throw new Error("secret");
          stream.trySend(message);
        },
        (error) => {
          ends.push(error);
          if (bad) throw new Error("again");
          void stream.close();
        },
      );
    });
    const good = client.openStream("echo");
    await good.send(bytes(1));
    const bad = client.openStream("echo", { headers: [["bad", ""]] });
    await bad.send(bytes(1));
    expect(await failure(bad.receive())).toMatchObject({ code: "ERR_INTERNAL", message: "Listener failed" });
    expect(ends).toMatchObject([{ cause: { message: "secret" } }]);
    await good.send(bytes(2));
    await good.close();
    expect([await good.receive(), await good.receive(), await good.receive()]).toEqual([
      bytes(1),
      bytes(2),
      undefined,
    ]);
    expect(ends[1]).toBe(undefined);
    await client.close();
  });

  test("a listener that throws at the last message hears of it too", async () => {
    const ends: unknown[] = [];
    const { client } = await openEcho((stream) => {
      stream.listen(
        () => {
          throw new Error("last");
        },
        (error) => ends.push(error),
      );
    });
    const stream = client.openStream("echo");
    void stream.send(bytes(1));
    void stream.close();
    await until(() => ends.length === 1);
    expect(ends[0]).toMatchObject({ cause: { message: "last" } });
    await client.close();
  });

  test("a raw stream handler that throws harms only its stream", async () => {
    const { client, server } = await openEcho();
    server.addStreamHandler((stream) => {
      if (stream.name === "bad") throw new Error("secret");
      return false;
    });
    expect(await failure(client.openStream("bad").receive())).toMatchObject({ message: "Internal error" });
    expect(await failure(client.openStream("other").receive())).toMatchObject({ code: "ERR_UNKNOWN_METHOD" });
    await client.close();
  });

  test("a message that cannot be decoded ends its stream with ERR_DECODE", async () => {
    const { client } = await openEcho();
    const stream = client.openStream("echo", { codec: json as never });
    const raw = client.openStream("echo");
    void raw.close();
    const core = client.open("echo", {}, 3);
    core.trySend(new TextEncoder().encode("{") as Bytes);
    core.finish();
    stream.abort();
    const typed = client.openStream("echo", { codec: { ...json, encode: () => bytes(0x7b) } as never });
    await typed.send({} as never);
    expect(await failure(typed.receive())).toMatchObject({ code: "ERR_DECODE" });
    await client.close();
  });
});

describe("a session", () => {
  test("tells its states in order, and why it was closed", async () => {
    const { client, server, pairs } = await openEcho();
    const log = (session: Session, into: string[]) =>
      session.addEventListener("statechange", (event) => {
        const { state, error, retryInMs } = event;
        into.push(`${state} ${error?.code} ${retryInMs}`);
      });
    const states: string[] = [];
    log(client, states);
    log(server, states);
    const aborted = client.signal;
    pairs[0]?.lose();
    const [error, serverError] = await Promise.all([client.closed, server.closed]);
    expect(error).toMatchObject({ code: "ERR_CONNECTION_LOST" });
    expect(serverError).toMatchObject({ code: "ERR_CONNECTION_LOST" });
    expect(states).toEqual(["closed ERR_CONNECTION_LOST 0", "closed ERR_CONNECTION_LOST 0"]);
    expect(aborted.aborted).toBe(true);
    expect(aborted.reason).toBe(client.error);
    expect(client.signal.aborted).toBe(true);
  });

  test("close() tells the peer its reason, once", async () => {
    const { client, server } = await openEcho();
    const all = await Promise.all([client.close({ reason: "done" }), client.close(), client.closed]);
    expect(all).toEqual([undefined, undefined, undefined]);
    expect(await server.closed).toBe(undefined);
    await client[Symbol.asyncDispose]();
  });

  test("shutDown() with a code is an error for the peer", async () => {
    const { client, server } = await openEcho();
    await server.shutDown("ERR_OVERLOADED", "Come back later");
    expect(await client.closed).toMatchObject({ code: "ERR_OVERLOADED", message: "Come back later" });
  });

  test("carries datagrams both ways, drops what is too long, and sends none when it is closed", async () => {
    const { client, server } = await openEcho();
    const got: Bytes[] = [];
    for (const session of [client, server]) {
      session.addEventListener("datagram", (event) => got.push(event.payload));
    }
    expect(client.sendDatagram(bytes(1))).toBe(true);
    expect(server.sendDatagram(bytes(2))).toBe(true);
    expect(client.sendDatagram(new Uint8Array(2_000))).toBe(false);
    await until(() => got.length === 2);
    await client.close();
    expect(client.sendDatagram(bytes(3))).toBe(false);
  });

  test("stats() add up on both sides", async () => {
    const { client, server } = await openEcho();
    const stream = client.openStream("echo");
    for (let i = 0; i < 20; i++) {
      await stream.send(new Uint8Array(10_000));
      await stream.receive();
    }
    const during = client.stats();
    expect(during).toMatchObject({
      state: "open",
      transport: "memory",
      streams: 1,
      reconnects: 0,
      queuedBytes: 0,
    });
    await stream.close();
    await stream.receive();
    await until(() => client.stats().streams === 0 && server.stats().streams === 0);
    await sleep(40);
    const [ours, theirs] = [client.stats(), server.stats()];
    expect(ours.bytesSent).toBe(theirs.bytesReceived);
    expect(ours.bytesReceived).toBe(theirs.bytesSent);
    expect(ours.recordsSent).toBe(theirs.recordsReceived);
    expect(ours.recordsReceived).toBe(theirs.recordsSent);
    expect(ours.bytesSent).toBeGreaterThan(200_000);
    for (const stats of [ours, theirs]) {
      expect(stats).toMatchObject({
        streams: 0,
        queuedBytes: 0,
        unreadBytes: 0,
        bufferedBytes: 0,
        datagramsDropped: 0,
      });
      expect(stats.sendCreditBytes).toBeGreaterThan(0);
      expect(stats.receiveCreditBytes).toBeGreaterThan(0);
    }
    await client.close();
  });
});
