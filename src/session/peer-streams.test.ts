import { describe, expect, test } from "vitest";
import { bytes, openEcho } from "../../test/echo-sessions.ts";
import { failure, until } from "../../test/sessions.ts";
import { type Bytes, jsonCodec, StreamError } from "../index.ts";

const json = jsonCodec();

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
