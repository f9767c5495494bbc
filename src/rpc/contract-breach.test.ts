import { afterEach, describe, expect, test } from "vitest";
import { ServiceSite } from "../../test/service-site.ts";
import { failure, openSessions, settle, until } from "../../test/sessions.ts";
import { encodeText } from "../core/bytes.ts";
import { client, clientStream, contract, type Handlers, json, serverStream, type, unary } from "../index.ts";

const site = new ServiceSite();
const { open } = site;

afterEach(() => site.close());

describe("a peer that does not keep to the contract", () => {
  const api = contract({
    known: unary({ input: type<unknown>(), output: type<unknown>() }),
    part: { inner: unary({ input: type<void>(), output: type<void>() }) },
    many: serverStream({ input: type<number>(), output: type<number>() }),
  });
  const handlers: Handlers<typeof api> = {
    known: (value) => value,
    part: { inner: () => {} },
    many: () => [],
  };

  test.each([
    "unknown",
    "",
    "part",
    "part.",
    "part.inner.call",
    "known.constructor",
    "__proto__",
    "constructor",
    "toString",
    "hasOwnProperty",
    "then",
  ])("gets ERR_UNKNOWN_METHOD for %j", async (name) => {
    await open(api, handlers);
    const stream = site.sessions.client.openStream(name, { codec: json });
    stream.trySend("x");
    expect(await failure(stream.receive())).toMatchObject({
      code: "ERR_UNKNOWN_METHOD",
    });
    expect(await client(site.sessions.client, api).known(1)).toBe(1);
  });

  test.each(["known", "many"])("gets ERR_VALIDATION when it sends no request to %s", async (name) => {
    await open(api, handlers);
    const stream = site.sessions.client.open(name, {}, 3);
    stream.finish();
    await until(() => stream.receive.finished === true);
    stream.read();
    expect(stream.receive.trailer?.failure?.code).toBe("ERR_VALIDATION");
  });

  test("gets ERR_DECODE for bytes that are no value", async () => {
    await open(api, handlers);
    const stream = site.sessions.client.open("known", {}, 3);
    stream.trySend(encodeText("{oops"));
    stream.finish();
    await until(() => stream.receive.finished === true);
    stream.read();
    expect(stream.receive.trailer?.failure).toMatchObject({
      code: "ERR_DECODE",
      message: "Cannot decode JSON: malformed text",
    });
  });

  test("gets ERR_CODEC for a codec that is not known here", async () => {
    await open(api, handlers);
    const stream = site.sessions.client.open("known", { codec: 9 }, 3);
    stream.trySend(encodeText("1"));
    stream.finish();
    await until(() => stream.receive.error !== undefined);
    expect(stream.receive.error?.code).toBe("ERR_CODEC");
  });

  test("a request with __proto__ or constructor is plain data", async () => {
    const calls = await open(api, handlers);
    const hostile = JSON.parse(
      '{"__proto__":{"admin":true},"constructor":{"prototype":{"admin":true}},"then":1}',
    );
    const echoed = (await calls.known(hostile)) as Record<string, unknown>;
    expect(echoed["admin"]).toBe(undefined);
    expect(({} as Record<string, unknown>)["admin"]).toBe(undefined);
    expect(Object.keys(echoed)).toEqual(["__proto__", "constructor", "then"]);
  });

  test("that answers a unary call twice, or not at all, fails that call", async () => {
    const opened = await openSessions({
      server: {
        onSession: (session) => {
          session.addStreamHandler((stream) => {
            for (let i = 0; i < (stream.name === "known" ? 2 : 0); i++) stream.trySend(encodeText("1"));
            stream.finish();
            stream.owner = { notify: () => stream.read() };
            stream.release();
            return true;
          });
        },
      },
    });
    site.adopt(opened);
    const calls = client(opened.client, {
      ...api,
      sum: clientStream({ input: type<number>(), output: type<number>() }),
    });
    expect(await failure(calls.known(1))).toMatchObject({
      code: "ERR_PROTOCOL",
      message: "Peer answered more than once",
    });
    expect(await failure(calls.part.inner())).toMatchObject({
      code: "ERR_PROTOCOL",
      message: "Peer ended the call without an answer",
    });
    expect(await failure(calls.sum().finish())).toMatchObject({
      code: "ERR_PROTOCOL",
      message: "Peer ended the call without an answer",
    });
    await settle();
  });
});

describe("codecs", () => {
  test("without one in common a call fails with both lists", async () => {
    const other = { ...json, name: "other" };
    const api = contract({ get: unary({ input: type<void>(), output: type<void>() }) });
    const opened = await openSessions({ client: { codecs: [other] } });
    site.adopt(opened);
    const error = await failure(client(opened.client, api).get());
    expect(error).toMatchObject({
      code: "ERR_CODEC",
      message: "Cannot call: peer has codecs json, this side other",
    });
  });
});
