import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { WebSocket } from "ws";
import { failure, sleep, until } from "../../test/sessions.ts";
import { client, contract, implement, type, unary, WireError } from "../index.ts";
import { type Server, serve } from "../node/serve.ts";
import { connect } from "./connect.ts";

const api = contract({ add: unary({ input: type<number>(), output: type<number>() }) });
const service = implement(api, { add: (number) => number + 1 });

let server: Server;

function start(address = "ws://127.0.0.1:0"): Promise<Server> {
  return serve({ listen: [address], services: [service] });
}

/** A page of a browser, as far as connect() looks at it. */
class Page extends EventTarget {
  visibilityState: "visible" | "hidden" = "visible";

  show(state: "visible" | "hidden"): void {
    this.visibilityState = state;
    this.dispatchEvent(new Event("visibilitychange"));
  }
}

let page: Page;
let windowEvents: EventTarget;

beforeEach(async () => {
  page = new Page();
  windowEvents = new EventTarget();
  vi.stubGlobal("WebSocket", WebSocket);
  vi.stubGlobal("document", page);
  vi.stubGlobal("addEventListener", windowEvents.addEventListener.bind(windowEvents));
  vi.stubGlobal("removeEventListener", windowEvents.removeEventListener.bind(windowEvents));
  server = await start();
});

afterEach(async () => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  await server.close({ drainMs: 0 });
});

describe("connect() in a browser", () => {
  test("gives an open session over the runtime's WebSocket", async () => {
    const session = await connect(server.urls[0] as string);
    expect(session.stats().transport).toBe("websocket");
    expect(await client(session, api).add(1)).toBe(2);
    await session.close();
    await until(() => server.connections === 0);
  });

  test("is closed with its page, but not when the page can come back", async () => {
    const session = await connect(server.urls[0] as string);
    windowEvents.dispatchEvent(Object.assign(new Event("pagehide"), { persisted: true }));
    expect(session.state).toBe("open");
    windowEvents.dispatchEvent(Object.assign(new Event("pagehide"), { persisted: false }));
    await session.closed;
    await until(() => server.store?.stats().sessions === 0);
  });

  test("says that it cannot connect", async () => {
    const url = server.urls[0] as string;
    await server.close();
    expect(await failure(connect(url))).toMatchObject({
      code: "ERR_CONNECTION_LOST",
      message: `Cannot connect to ${url}: WebSocket failed`,
    });
  });

  test("refuses what is no URL", async () => {
    const error = await failure(connect("nonsense"));
    expect(error).toBeInstanceOf(WireError);
    expect((error as WireError).message).toMatch(/^Cannot connect: /);
  });

  test("a server that is not ours is a failure", async () => {
    const http = createServer((_, response) => response.end());
    http.listen(0, "127.0.0.1");
    await once(http, "listening");
    const { port } = http.address() as AddressInfo;
    expect(await failure(connect(`ws://127.0.0.1:${port}`))).toMatchObject({ code: "ERR_CONNECTION_LOST" });
    http.close();
  });

  test("an attempt that is aborted, or takes too long, closes its socket", async () => {
    let open = 0;
    const tcp = createTcpServer((socket) => {
      open++;
      socket.resume();
      socket.on("error", () => {});
      socket.on("close", () => open--);
    });
    tcp.listen(0, "127.0.0.1");
    await once(tcp, "listening");
    const url = `ws://127.0.0.1:${(tcp.address() as AddressInfo).port}`;
    expect(await failure(connect(url, { connectTimeoutMs: 50 }))).toMatchObject({ code: "ERR_TIMEOUT" });
    await until(() => open === 0);
    const abort = new AbortController();
    const attempt = failure(connect(url, { signal: abort.signal }));
    await until(() => open > 0);
    abort.abort("gone");
    expect(await attempt).toBe("gone");
    await until(() => open === 0);
    tcp.close();
  });

  test.each<[string, () => void]>([
    ["online", () => windowEvents.dispatchEvent(new Event("online"))],
    ["seen again", () => page.show("visible")],
  ])("connects again at once when it is %s", async (_, wake) => {
    vi.spyOn(Math, "random").mockReturnValue(1);
    const session = await connect(server.urls[0] as string, { reconnect: { minMs: 60_000, maxMs: 60_000 } });
    const [accepted] = server.sessions;
    await accepted?.shutDown("ERR_GOING_AWAY", "Update");
    await until(() => session.state === "connecting");
    page.show("hidden");
    await sleep(20);
    expect(session.state).toBe("connecting");
    wake();
    await until(() => session.state === "open");
    expect(await client(session, api).add(1)).toBe(2);
    await session.close();
  });

  test("works where there is no page, as in a worker", async () => {
    for (const name of ["document", "addEventListener", "removeEventListener"])
      vi.stubGlobal(name, undefined);
    vi.spyOn(Math, "random").mockReturnValue(0);
    const session = await connect(server.urls[0] as string);
    const [accepted] = server.sessions;
    await accepted?.shutDown("ERR_GOING_AWAY", "Update");
    await until(() => session.state === "open" && session.stats().reconnects === 1);
    await session.close();
  });
});
