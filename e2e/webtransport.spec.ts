import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { test as base, expect, type Page } from "@playwright/test";
import { type DenoProgram, startDeno } from "./support/deno.ts";

interface Fixtures {
  /** The page of the server, and how it reaches it. */
  readonly wt: { readonly page: Page; readonly url: string; readonly hash: number[] };
}

/** Print how long calls took. */
const { TIMES } = process.env;

const test = base.extend<Fixtures, { readonly server: DenoProgram }>({
  server: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the names of the fixtures from the pattern
    async ({}, use) => {
      const server = await startDeno("e2e/servers/deno.ts", "e2e/pages/webtransport.ts");
      await use(server);
      await server.stop();
    },
    { scope: "worker" },
  ],
  wt: async ({ server, page }, use) => {
    const problems: string[] = [];
    page.on("pageerror", ({ message }) => problems.push(message));
    await page.goto(server.urls[1] as string);
    await page.waitForFunction(() => window.webtransport !== undefined);
    await use({ page, url: server.urls[0] as string, hash: [...server.certificate.hash] });
    expect(problems).toEqual([]);
  },
});

/** What the server has open. */
function stats(page: Page): Promise<unknown> {
  return page.evaluate(() => fetch("/stats").then((response) => response.json()));
}

/** Passes packets between clients and one port, until it is blocked. */
class UdpRelay {
  blocked = false;
  readonly #front: Socket;
  readonly #backs: Map<number, Socket> = new Map();

  static async open(target: number): Promise<UdpRelay> {
    const front = createSocket("udp4");
    front.bind(0, "127.0.0.1");
    await once(front, "listening");
    return new UdpRelay(front, target);
  }

  constructor(front: Socket, target: number) {
    this.#front = front;
    front.on("message", (packet, { port }) => {
      if (!this.blocked) this.#backFor(port).send(packet, target, "127.0.0.1");
    });
  }

  get port(): number {
    return this.#front.address().port;
  }

  #backFor(client: number): Socket {
    let back = this.#backs.get(client);
    if (back === undefined) {
      back = createSocket("udp4");
      back.on("message", (packet) => {
        if (!this.blocked) this.#front.send(packet, client, "127.0.0.1");
      });
      this.#backs.set(client, back);
    }
    return back;
  }

  close(): void {
    for (const socket of [this.#front, ...this.#backs.values()]) socket.close();
  }
}

/** A URL on which nobody answers. */
async function deadUrl(): Promise<string> {
  const socket = createSocket("udp4");
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  const { port } = socket.address();
  socket.close();
  return `https://127.0.0.1:${port}/`;
}

test("the race picks WebTransport, and everything works over it", async ({ wt: { page, url, hash } }) => {
  // The first session of a browser takes a while on a busy machine.
  const way = { url, hash, headStartMs: 3_000 };
  const chosen = await page.evaluate((given) => window.webtransport.open(given), way);
  expect(chosen).toMatchObject({ transport: "webtransport", contenders: ["won", "lost"] });
  expect(chosen.reasons?.[0]).toBe("webtransport has a head start of 3000 ms");
  expect(await page.evaluate(() => window.webtransport.exchange())).toEqual({
    echoed: { text: "příliv 🌊" },
    counted: 1_000,
    total: 500_500,
    answer: "AHOJ",
    end: undefined,
    failed: { id: 7 },
  });
  expect(await page.evaluate(() => window.webtransport.echoLarge())).toBe(true);
  expect(await page.evaluate(() => window.webtransport.close())).toBeLessThan(1_000);
  await expect.poll(() => stats(page)).toEqual({ native: 0, sockets: 0, sessions: 0 });
});

test("a session leaves WebTransport when UDP stops, and comes back when it works again", async ({
  wt: { page, url, hash },
}) => {
  const relay = await UdpRelay.open(Number(new URL(url).port));
  const way = { url: `https://127.0.0.1:${relay.port}/`, hash, headStartMs: 3_000 };
  const { transport } = await page.evaluate((given) => window.webtransport.open(given), way);
  expect(transport).toBe("webtransport");
  relay.blocked = true;
  const current = () => page.evaluate(() => window.webtransport.current());
  expect(await current()).toEqual({
    transport: "websocket",
    migrations: 1,
    reconnects: 0,
    reasons: ["moved from webtransport to websocket"],
  });
  relay.blocked = false;
  await expect.poll(current, { timeout: 15_000 }).toEqual({
    transport: "webtransport",
    migrations: 2,
    reconnects: 0,
    reasons: ["moved from websocket to webtransport"],
  });
  await page.evaluate(() => window.webtransport.close());
  relay.close();
});

test("datagrams are native; those that are too long for that go over the lane", async ({
  wt: { page, url, hash },
}) => {
  await page.evaluate((way) => window.webtransport.open(way), { url, hash, headStartMs: 3_000 });
  const small = await page.evaluate(() => window.webtransport.datagrams(64, 1_000));
  expect(small).toMatchObject({ taken: 64, dropped: 0 });
  expect(small.records).toBeLessThan(4); // a PONG, if any
  expect(small.back).toBeGreaterThan(32);
  const large = await page.evaluate(() => window.webtransport.datagrams(8, 5_000));
  expect(large).toMatchObject({ taken: 8, back: 8, dropped: 0 });
  expect(large.records).toBeGreaterThan(0);
  expect(await page.evaluate(() => window.webtransport.datagrams(1, 9_000))).toMatchObject({ taken: 0 });
  await page.evaluate(() => window.webtransport.close());
});

// Deno sometimes resets a WebSocket that it closes while data arrives. That may count as a reconnect, and nothing is lost.
test("a session moves between WebSocket and WebTransport while data flows", async ({
  wt: { page, url, hash },
}) => {
  await page.evaluate((way) => window.webtransport.open(way), { url: await deadUrl(), hash, headStartMs: 0 });
  expect(await page.evaluate((way) => window.webtransport.migrate(way), { url, hash })).toEqual({
    counted: 6_000,
    path: ["websocket", "webtransport", "websocket", "webtransport"],
    migrations: 3,
    large: true,
  });
  await page.evaluate(() => window.webtransport.close());
});

test("a large transfer has a lane of its own, and calls go on beside it", async ({
  wt: { page, url, hash },
}) => {
  await page.evaluate((way) => window.webtransport.open(way), { url, hash, headStartMs: 3_000 });
  for (const lane of ["main", "own"] as const) {
    const done = await page.evaluate(
      (choice) => window.webtransport.transfer(choice, 24 * 1_048_576, 4 * 1_048_576),
      lane,
    );
    expect(done).toMatchObject({ same: true, lane });
    expect(done.calls).toBeGreaterThan(20);
    const times = `median ${done.medianMs.toFixed(1)} ms, p99 ${done.p99Ms.toFixed(1)} ms`;
    test.info().annotations.push({ type: `${done.calls} calls, transfer on ${lane}`, description: times });
    if (TIMES !== undefined) console.log(`transfer on ${lane}: ${done.calls} calls, ${times}`);
  }
  expect(await page.evaluate(() => window.webtransport.current())).toMatchObject({
    transport: "webtransport",
    migrations: 0,
    reconnects: 0,
  });
  await page.evaluate(() => window.webtransport.close());
});

test("a transfer goes on without lanes when UDP stops, and has one again afterwards", async ({
  wt: { page, url, hash },
}) => {
  test.setTimeout(90_000);
  const relay = await UdpRelay.open(Number(new URL(url).port));
  const way = { url: `https://127.0.0.1:${relay.port}/`, hash, headStartMs: 3_000 };
  await page.evaluate((given) => window.webtransport.open(given), way);
  const done = page.evaluate(() => window.webtransport.transfer("own", 40 * 1_048_576, 0));
  const passed = () => page.evaluate(() => window.webtransport.passed());
  await expect.poll(async () => (await passed()).bytes, { timeout: 20_000 }).toBeGreaterThan(2_000_000);
  expect(await passed()).toMatchObject({ lane: "own", transport: "webtransport" });
  relay.blocked = true;
  await expect.poll(passed, { timeout: 20_000 }).toMatchObject({ lane: "main", transport: "websocket" });
  relay.blocked = false;
  expect(await done).toMatchObject({ same: true });
  await page.evaluate(() => window.webtransport.close());
  relay.close();
});

test("without UDP the race falls back to WebSocket, and that is remembered", async ({
  wt: { page, hash },
}) => {
  const way = { url: await deadUrl(), hash };
  const first = await page.evaluate((given) => window.webtransport.open(given), way);
  expect(first.transport).toBe("websocket");
  expect(first.contenders?.[1]).toBe("won");
  await page.evaluate(() => window.webtransport.close());
  expect(await page.evaluate(() => window.webtransport.storage())).toEqual({
    [`tideway.transport ${new URL(way.url).origin}`]: "websocket",
  });

  await page.reload();
  await page.waitForFunction(() => window.webtransport !== undefined);
  const second = await page.evaluate((given) => window.webtransport.open(given), way);
  expect(second.transport).toBe("websocket");
  expect(second.reasons?.[0]).toBe("no head start: websocket won last time");
  await page.evaluate(() => window.webtransport.close());
});

test("an abort ends the race", async ({ wt: { page, hash } }) => {
  // A socket that takes packets and never answers, and a port of TCP that nobody listens on.
  const silent = createSocket("udp4");
  silent.bind(0, "127.0.0.1");
  await once(silent, "listening");
  const way = { url: `https://127.0.0.1:${silent.address().port}/`, hash };
  const { error, ms } = await page.evaluate((given) => window.webtransport.abort(given, 300), way);
  expect(error).toBe("TimeoutError");
  expect(ms).toBeLessThan(2_000);
  silent.close();
});

test("a Deno client talks to a Deno server", async () => {
  const program = await startDeno("e2e/servers/deno-loopback.ts");
  try {
    await expect.poll(() => program.output.at(-1), { timeout: 20_000 }).toMatch(/^{/);
    expect(JSON.parse(program.output.at(-1) ?? "")).toEqual({
      transport: "webtransport",
      large: true,
      counted: 2_000,
      datagrams: true,
      refused: "ERR_CONNECTION_LOST",
      migrated: ["websocket", "webtransport"],
      closed: { connections: 0, sessions: 0 },
    });
  } finally {
    await program.stop();
  }
});
