import { WebTransport as NodeWebTransport } from "@fails-components/webtransport";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { WebSocket } from "ws";
import { failure, until } from "../../test/sessions.ts";
import { makeCertificate } from "../../test/wt-pair.ts";
import {
  choiceOf,
  client,
  contract,
  implement,
  type Server,
  SessionStore,
  type TransportChoice,
  type,
  unary,
} from "../index.ts";
import { serve } from "../node/serve.ts";
import { serveWebTransport } from "../node/serve-webtransport.ts";
import { type BrowserConnectOptions, connect } from "./connect.ts";
import { findQuirk } from "./quirks.ts";
import { dialWebTransport } from "./webtransport.ts";
import { recallWinner, rememberWinner } from "./winners.ts";

const api = contract({ add: unary({ input: type<number>(), output: type<number>() }) });
const services = [implement(api, { add: (number) => number + 1 })];
const certificate = makeCertificate();
const WINDOWS = { initialStreamFlowControlWindow: 1_048_576, initialSessionFlowControlWindow: 16_777_216 };

/** The `WebTransport` of an engine, over HTTP/2. */
class EngineWebTransport extends NodeWebTransport {
  constructor(url: string, options: object) {
    super(url, { ...options, ...WINDOWS, forceReliable: true } as object);
  }
}

const SAFARI =
  "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.4 Safari/605.1.15";
const CHROME =
  "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36";

let native: Server;
let sockets: Server;
let url: string;
let options: BrowserConnectOptions;
let choices: TransportChoice[];

beforeEach(async () => {
  const resume = new SessionStore();
  const common = { services, resume };
  native = await serveWebTransport({
    ...common,
    ...certificate,
    listen: "https://127.0.0.1:0/",
    reliable: true,
  });
  sockets = await serve({ ...common, listen: ["ws://127.0.0.1:0"] });
  url = native.urls[0] as string;
  choices = [];
  options = {
    webTransport: { serverCertificateHashes: [{ algorithm: "sha-256", value: certificate.hash }] },
    webSocketUrl: sockets.urls[0] as string,
    onChoice: (choice) => choices.push(choice),
    headStartMs: 5_000,
  };
  vi.stubGlobal("WebSocket", WebSocket);
  vi.stubGlobal("WebTransport", EngineWebTransport);
  vi.stubGlobal("localStorage", undefined);
});

afterEach(async () => {
  vi.unstubAllGlobals();
  await Promise.all([native.close({ drainMs: 0 }), sockets.close({ drainMs: 0 })]);
});

describe("connect() of a browser with an https: URL", () => {
  test("takes WebTransport, tells why, and remembers it", async () => {
    const stored = new Map<string, string>();
    vi.stubGlobal("localStorage", {
      getItem: (key: string) => stored.get(key) ?? null,
      setItem: (key: string, value: string) => stored.set(key, value),
    });
    const session = await connect(url, options);
    expect(session.stats().transport).toBe("webtransport");
    expect(await client(session, api).add(1)).toBe(2);
    expect(choiceOf(session)).toMatchObject({ transport: "webtransport" });
    expect(choices).toEqual([choiceOf(session)]);
    const { origin } = new URL(url);
    expect([...stored]).toEqual([[`tideway.transport ${origin}`, "webtransport"]]);
    expect(recallWinner(origin)).toBe("webtransport");
    await session.close();
  });

  test("takes WebSocket where WebTransport fails, and gives it no head start the next time", async () => {
    const dead = "https://127.0.0.1:1/";
    const session = await connect(dead, options);
    expect(session.stats().transport).toBe("websocket");
    expect(choices[0]?.contenders.map(({ outcome }) => outcome)).toEqual(["failed", "won"]);
    await session.close();
    await (await connect(dead, options)).close();
    expect(choices[1]?.reasons[0]).toBe("no head start: websocket won last time");
  });

  test("moves up to WebTransport when that works", async () => {
    let works = false;
    vi.stubGlobal(
      "WebTransport",
      class extends EngineWebTransport {
        constructor(target: string, given: object) {
          super(works ? target : "https://127.0.0.1:1/", given);
        }
      },
    );
    const session = await connect(url, { ...options, upgradeMs: 50 });
    expect(session.stats().transport).toBe("websocket");
    works = true;
    await until(() => session.stats().transport === "webtransport");
    expect(await client(session, api).add(1)).toBe(2);
    expect(choices.at(-1)?.reasons).toEqual(["moved from websocket to webtransport"]);
    await session.close();
  });

  test("tries WebSocket first where WebTransport is known to break", async () => {
    vi.stubGlobal("navigator", { userAgent: SAFARI, maxTouchPoints: 0 });
    const session = await connect(url, options);
    expect(session.stats().transport).toBe("websocket");
    expect(choices[0]?.reasons).toEqual([
      "WebKit stops reading after about 16 MiB of a WebTransport session (WebKit bug 319818)",
      "websocket has a head start of 5000 ms",
      expect.stringMatching(/^websocket answered after \d+ ms$/),
      "webtransport was not needed",
    ]);
    await session.close();
  });

  test("takes WebSocket alone where there is no choice", async () => {
    for (const [given, engine, reason] of [
      [{ ...options, webTransport: false }, EngineWebTransport, "WebTransport is turned off"],
      [options, undefined, "this runtime has no WebTransport"],
    ] as const) {
      vi.stubGlobal("WebTransport", engine);
      const session = await connect(url, given);
      expect(choiceOf(session)).toEqual({ transport: "websocket", reasons: [reason], contenders: [] });
      await session.close();
    }
    const session = await connect(sockets.urls[0] as string);
    expect(choiceOf(session)).toBeUndefined();
    await session.close();
  });

  test("an abort ends both ways", async () => {
    const abort = new AbortController();
    vi.stubGlobal(
      "WebSocket",
      class extends EventTarget {
        readonly CONNECTING = 0;
        readonly readyState = 0;
        close(): void {}
      },
    );
    const connecting = failure(connect("https://127.0.0.1:1/", { ...options, signal: abort.signal }));
    setTimeout(() => abort.abort("enough"), 50);
    expect(await connecting).toBe("enough");
  });
});

describe("dialWebTransport() of a browser", () => {
  test("says that there is none, or why it failed", async () => {
    const { signal } = new AbortController();
    const refused = await failure(dialWebTransport("https://127.0.0.1:1/")(signal));
    expect(refused).toMatchObject({ message: expect.stringMatching(/^Cannot connect to https:/) });
    vi.stubGlobal("WebTransport", undefined);
    expect(await failure(dialWebTransport(url)(signal))).toMatchObject({
      message: `Cannot connect to ${url}: this runtime has no WebTransport`,
    });
    vi.stubGlobal(
      "WebTransport",
      class {
        constructor() {
          throw new Error("");
        }
      },
    );
    expect(await failure(dialWebTransport(url)(signal))).toMatchObject({
      message: `Cannot connect to ${url}: WebTransport failed`,
    });
  });
});

describe("findQuirk()", () => {
  test.each([
    ["Safari", SAFARI, 0, true],
    ["an iPad that says it is a Mac", SAFARI.replace("Safari", "CriOS/150 Safari"), 5, true],
    [
      "Chrome on iOS",
      "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605 CriOS/150",
      5,
      true,
    ],
    ["Chrome", CHROME, 0, false],
    ["Edge", `${CHROME} Edg/156.0.0.0`, 0, false],
    ["Firefox", "Mozilla/5.0 (X11; Linux x86_64; rv:155.0) Gecko/20100101 Firefox/155.0", 0, false],
    ["Deno", "Deno/2.9.6", 0, false],
  ])("knows %s", (_, userAgent, maxTouchPoints, known) => {
    expect(findQuirk({ userAgent, maxTouchPoints }) !== undefined).toBe(known);
  });
});

describe("rememberWinner()", () => {
  test("works without storage, and with one that refuses", () => {
    vi.stubGlobal("localStorage", {
      getItem: () => "nonsense",
      setItem: () => {
        throw new Error("full");
      },
    });
    expect(recallWinner("https://a.example")).toBeUndefined();
    rememberWinner("https://a.example", "websocket");
    expect(recallWinner("https://a.example")).toBe("websocket");
    vi.stubGlobal("localStorage", undefined);
    rememberWinner("https://b.example", "webtransport");
    expect(recallWinner("https://b.example")).toBe("webtransport");
  });
});
