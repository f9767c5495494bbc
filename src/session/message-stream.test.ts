import { describe, expect, test } from "vitest";
import { bytes, openEcho } from "../../test/echo-sessions.ts";
import { failure, openSessions, settle, sleep, until } from "../../test/sessions.ts";
import { type Bytes, jsonCodec, type MessageStream, StreamError } from "../index.ts";

const json = jsonCodec();

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
