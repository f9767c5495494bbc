import { afterEach, describe, expect, test, vi } from "vitest";
import { until } from "../../test/sessions.ts";
import { client, contract, implement, StateError, type, unary } from "../index.ts";
import { acceptPort, connectPort, connectWorker, serveWorker } from "./worker.ts";

const api = contract({ double: unary({ input: type<number>(), output: type<number>() }) });
const services = [implement(api, { double: (number) => 2 * number })];

/** The global scope of a Worker, and the Worker as its page sees it. */
class Scope extends EventTarget {
  /** What `addEventListener` of the scope was given and not told to remove. */
  listeners = 0;

  constructor() {
    super();
    vi.stubGlobal("addEventListener", (...args: Parameters<EventTarget["addEventListener"]>) => {
      this.listeners++;
      this.addEventListener(...args);
    });
    vi.stubGlobal("removeEventListener", (...args: Parameters<EventTarget["removeEventListener"]>) => {
      this.listeners--;
      this.removeEventListener(...args);
    });
  }

  postMessage(data: unknown): void {
    this.dispatchEvent(new MessageEvent("message", { data }));
  }
}

afterEach(() => vi.unstubAllGlobals());

describe("threads of a browser", () => {
  test("connectPort() and acceptPort() work where there are no locks", async () => {
    vi.stubGlobal("navigator", undefined);
    const { port1, port2 } = new MessageChannel();
    const server = acceptPort(port2, { services });
    const session = await connectPort(port1);
    expect(await client(session, api).double(4)).toBe(8);
    await session.close();
    expect(await server.closed).toBe(undefined);
  });

  test("serveWorker() takes sessions until it is closed, and nothing else", async () => {
    const scope = new Scope();
    const server = serveWorker({ services });
    for (const message of [null, 1, "text", {}, { tideway: 1 }, { tideway: 1, port: {} }, { tideway: 2 }])
      scope.postMessage(message);
    const sessions = await Promise.all([connectWorker(scope), connectWorker(scope)]);
    expect(server.sessions.size).toBe(2);
    expect(await Promise.all(sessions.map((session) => client(session, api).double(4)))).toEqual([8, 8]);
    await sessions[0]?.close();
    await until(() => server.sessions.size === 1);
    await server.close();
    expect(await sessions[1]?.closed).toBe(undefined);
    expect([server.sessions.size, scope.listeners]).toEqual([0, 0]);
  });

  test("terminate() fails what is pending, of every session with that Worker and of no other", async () => {
    const scope = new Scope();
    const terminate = vi.fn(() => "result");
    const postMessage = (data: unknown) => scope.postMessage(data);
    const ended = Object.assign(new EventTarget(), { terminate, postMessage });
    const hang = contract({ hang: unary({ input: type<void>(), output: type<void>() }) });
    const server = serveWorker({ services: [implement(hang, { hang: () => new Promise(() => {}) })] });
    const sessions = [await connectWorker(ended), await connectWorker(ended), await connectWorker(scope)];
    const pending = sessions.map((session) =>
      client(session, hang)
        .hang()
        .catch((error) => error.code),
    );
    expect(ended.terminate()).toBe("result");
    expect(terminate).toHaveBeenCalledTimes(1);
    expect(await Promise.all(pending.slice(0, 2))).toEqual(["ERR_PEER_GONE", "ERR_PEER_GONE"]);
    expect(sessions.map(({ state }) => state)).toEqual(["closed", "closed", "open"]);
    await server.close();
  });

  test("serveWorker() does not serve in a page, which hears messages of any origin", () => {
    vi.stubGlobal("document", {});
    expect(() => serveWorker()).toThrow(StateError);
  });
});
