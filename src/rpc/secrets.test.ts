import { describe, expect, it } from "vitest";
import { openSessions, sleep } from "../../test/sessions.ts";
import { lz4 } from "../core/compression/lz4.ts";
import { compression } from "../core/compression/record-compression.ts";
import { client } from "./client.ts";
import { clientStream, contract, duplex, serverStream, type, unary } from "./contract.ts";
import { implement } from "./service.ts";

const TEXT = "The same words, again and again and again. ".repeat(100);

/** The same methods, of which one side may know that they are secret and the other may not. */
function methods(compress?: boolean) {
  const text = {
    input: type<string>(),
    output: type<string>(),
    ...(compress === undefined ? {} : { compress }),
  };
  return contract({
    ask: unary(text),
    watch: serverStream(text),
    upload: clientStream(text),
    talk: duplex(text),
    relay: unary(text),
  });
}

/** Two sessions that compress; `saved` are the bytes that each side has saved so far. */
async function open(ours: boolean | undefined, theirs: boolean | undefined) {
  const options = { compression: compression([lz4], { sameMachine: true }) };
  const { client: session, server } = await openSessions({ client: options, server: options });
  const calls = client(session, methods(ours));
  implement(methods(theirs), {
    ask: (question) => question,
    watch: (text) => [text],
    upload: async (texts) => {
      let all = "";
      for await (const text of texts) all += text;
      return all;
    },
    talk: (texts) => texts,
    // What is asked of this side is asked back, with the wishes of the call.
    relay: (text, context) => client(context.session, methods()).ask(text, context.forward()),
  }).attach(server);
  implement(methods(), {
    ask: (question) => question,
    watch: () => [],
    upload: () => "",
    talk: () => [],
    relay: (text) => text,
  }).attach(session);
  const saved = () => [session.stats().bytesSaved, server.stats().bytesSaved];
  return { calls, saved, close: () => session.close() };
}

type Calls = Awaited<ReturnType<typeof open>>["calls"];

const SHAPES: Readonly<Record<string, (calls: Calls, options?: { compress: boolean }) => Promise<unknown>>> =
  {
    unary: (calls, options) => calls.ask(TEXT, options),
    "server stream": (calls, options) => calls.watch(TEXT, options).receive(),
    "client stream": (calls, options) => calls.upload(options).sendAll([TEXT]),
    duplex: async (calls, options) => {
      const call = calls.talk(options);
      await call.send(TEXT);
      const answer = await call.receive();
      call.end();
      return answer;
    },
  };

describe.each(Object.entries(SHAPES))("compress: false of a method, %s", (_, run) => {
  it("keeps both directions out of compressed records, whatever the call asks for", async () => {
    const { calls, saved, close } = await open(false, undefined);
    expect(await run(calls)).toBe(TEXT);
    expect(await run(calls, { compress: true })).toBe(TEXT);
    expect(saved()).toEqual([0, 0]);
    await close();
  });

  it("holds for the answers of a side that alone knows of it", async () => {
    const { calls, saved, close } = await open(undefined, false);
    expect(await run(calls)).toBe(TEXT);
    const [ours, theirs] = saved();
    expect(ours).toBeGreaterThan(3_000);
    expect(theirs).toBe(0);
    await close();
  });

  it("is what a call can ask for, too, and not the default", async () => {
    const { calls, saved, close } = await open(undefined, undefined);
    expect(await run(calls, { compress: false })).toBe(TEXT);
    expect(saved()).toEqual([0, 0]);
    await sleep(1); // or the end of that call travels with the next one
    expect(await run(calls)).toBe(TEXT);
    for (const bytes of saved()) expect(bytes).toBeGreaterThan(3_000);
    await close();
  });
});

describe("compress: false of a method", () => {
  it("goes on with a call that is made for it", async () => {
    const { calls, saved, close } = await open(undefined, false);
    expect(await calls.relay(TEXT)).toBe(TEXT);
    const [ours, theirs] = saved();
    // The request alone: the contract of this side does not say that it is secret.
    expect(ours).toBeLessThan(TEXT.length);
    expect(theirs).toBe(0);
    await close();
  });

  it("holds against middleware", async () => {
    const { saved, close } = await open(false, undefined);
    await close();
    const options = { compression: compression([lz4], { sameMachine: true }) };
    const { client: session, server } = await openSessions({ client: options, server: options });
    const use = [({ options: given }: { options: object }) => ({ ...given, compress: true })];
    implement(contract({ ask: unary({ input: type<string>(), output: type<string>() }) }), {
      ask: (question) => question,
    }).attach(server);
    const secret = contract({
      ask: unary({ input: type<string>(), output: type<string>(), compress: false }),
    });
    expect(await client(session, secret, { use }).ask(TEXT)).toBe(TEXT);
    expect([saved(), session.stats().bytesSaved, server.stats().bytesSaved]).toEqual([[0, 0], 0, 0]);
    await session.close();
  });
});
