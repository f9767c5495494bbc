import { expect, test } from "@playwright/test";
import { bundlePrograms, type PageServer, servePages } from "../test/pages.ts";
import config from "./playwright.config.ts";
import { Complaints } from "./support/demo.ts";

/** A name that leads here and is not "localhost": an origin without locks. */
const INSECURE_HOST = "tideway.test";

const { args = [], ...launchOptions } = config.use?.launchOptions ?? {};
test.use({
  launchOptions: {
    ...launchOptions,
    args: [...args, `--host-resolver-rules=MAP ${INSECURE_HOST} 127.0.0.1`],
  },
});

let server: PageServer;

test.beforeAll(async () => {
  const names = ["worker", "worker-thread", "worker-shared", "pool-thread", "rings", "rings-thread"];
  const scripts = await bundlePrograms(names.map((name) => `e2e/pages/${name}.ts`));
  server = await servePages(scripts, ["/worker.js", "/rings.js"]);
});

test.afterAll(() => server.close());

for (const [host, path] of [
  ["127.0.0.1", ""],
  ["127.0.0.1", "isolated"],
  [INSECURE_HOST, ""],
] as const) {
  test.describe(`on ${host}/${path}, sessions of a page and its Worker`, () => {
    const insecure = host === INSECURE_HOST;
    const isolated = path === "isolated";

    test.beforeEach(async ({ page }) => {
      await page.goto(`http://${host}:${server.port}/${path}`);
      expect(await page.evaluate(() => crossOriginIsolated)).toBe(isolated);
      expect(await page.evaluate(() => isSecureContext)).toBe(!insecure);
      expect(await page.evaluate(() => "locks" in navigator)).toBe(!insecure);
    });

    test("carry calls of all shapes, and calls of the Worker", async ({ page }) => {
      const complaints = new Complaints(page);
      expect(await page.evaluate(() => window.threads.exchange())).toEqual({
        added: 3,
        counted: 1_000,
        total: 500_500,
        echoed: "ahoj",
        end: undefined,
        doubled: Array.from({ length: 100 }, (_, i) => 2 * i),
        transport: isolated ? "ring" : "message-port",
        streams: 0,
      });
      expect(complaints.except()).toEqual([]);
    });

    test("run the tasks of a pool, by key, over the end of a Worker", async ({ page }) => {
      const { workers, ...result } = await page.evaluate(() => window.threads.runPool());
      expect(workers).toBe(2);
      expect(result).toEqual({
        sums: true,
        times: [1, 2, 3, 4].flatMap((times) => Array.from({ length: 5 }, () => times)),
        lost: "ERR_PEER_GONE",
        after: true,
        restarts: 1,
        states: ["ended", "ended"],
      });
    });

    test("carry a message of 16 MiB there and back", async ({ page }) => {
      const { same, kept, ms } = await page.evaluate(() => window.threads.mirror(16));
      console.log(`    16 MiB there and back: ${ms.toFixed(0)} ms`);
      expect({ same, kept }).toEqual({ same: true, kept: 16 * 1024 * 1024 });
    });

    for (const how of [
      "terminate",
      "terminate while it computes",
      "exit",
      "exit while another works",
    ] as const) {
      test(`fail 100 pending calls in less than a second: ${how}`, async ({ page }) => {
        const { codes, ms, closed, message, others } = await page.evaluate(
          (name) => window.threads.failPending(name),
          how,
        );
        console.log(`    ${how}: ${ms.toFixed(0)} ms, ${message}`);
        expect({ codes, closed }).toEqual({ codes: ["ERR_PEER_GONE"], closed: "ERR_PEER_GONE" });
        expect(ms).toBeLessThan(1_000);
        const isSilent = insecure && how.startsWith("exit");
        expect(message).toContain(isSilent ? "said nothing for 800 ms" : "has ended");
        expect(others).toBe(how === "exit while another works" ? 2 : undefined);
      });
    }

    test("a session that is closed does not wait for a busy Worker", async ({ page }) => {
      const { answered, ms } = await page.evaluate(() => window.threads.leaveBusy());
      expect(answered).toBe(0);
      expect(ms).toBeLessThan(500);
    });

    test("a Worker that cannot start is known at once", async ({ page }) => {
      const { code, ms } = await page.evaluate(() => window.threads.failToStart());
      expect(code).toBe("ERR_PEER_GONE");
      expect(ms).toBeLessThan(2_000);
    });

    test("a Worker that throws and computes lives on", async ({ page }) => {
      // Without locks, one that computes cannot be told from a dead one for longer.
      const busyMs = insecure ? 300 : 2_500;
      expect(await page.evaluate((ms) => window.threads.outlive(ms), busyMs)).toEqual({
        answer: "done",
        state: "open",
      });
    });

    test("a port of the application will do", async ({ page }) => {
      expect(await page.evaluate(() => window.threads.ownChannel())).toEqual({
        doubled: 8,
        closed: undefined,
      });
    });

    test("a SharedWorker loses the session of a page that is gone", async ({ page, context }) => {
      expect(await page.evaluate(() => window.threads.joinShared())).toBe(1);
      const other = await context.newPage();
      await other.goto(page.url());
      expect(await other.evaluate(() => window.threads.joinShared())).toBe(2);
      await other.close();
      const ask = () =>
        page.evaluate(() => (window as unknown as { askShared(): Promise<number> }).askShared());
      await expect.poll(ask, { timeout: 2_000 }).toBe(1);
    });
  });
}

test.describe("on a page with COOP and COEP, channels", () => {
  test.beforeEach(async ({ page }) => {
    await page.goto(`http://127.0.0.1:${server.port}/isolated`);
  });

  for (const kind of ["spsc", "mpsc", "mpmc"] as const) {
    test(`${kind}: a page sends, blocked Workers send back, each message once`, async ({ page }) => {
      const { received, sum, ms } = await page.evaluate(
        (name) => window.rings.thereAndBack(name, 20_000),
        kind,
      );
      console.log(`    20,000 messages there and back: ${ms.toFixed(0)} ms`);
      expect({ received, sum }).toEqual({ received: 20_000, sum: (20_000 * 19_999) / 2 });
    });
  }

  test("a page may not block", async ({ page }) => {
    expect(await page.evaluate(() => window.rings.block())).toBe("TypeError");
  });

  test("a Worker that is ended is told of, and nobody waits for it", async ({ page }) => {
    const { code, ms } = await page.evaluate(() => window.rings.abandon());
    expect(code).toBe("ERR_PEER_GONE");
    expect(ms).toBeLessThan(1_000);
  });

  for (const how of ["terminate", "close", "close at once"] as const) {
    test(`channels that were lent to a Worker end with it: ${how}`, async ({ page }) => {
      const { ms, ...rest } = await page.evaluate((name) => window.rings.lend(name), how);
      expect(rest).toEqual({ number: 1, code: "ERR_PEER_GONE", sent: "ERR_PEER_GONE" });
      expect(ms).toBeLessThan(1_000);
    });
  }
});

test("on a page without them, channels say why they cannot be made", async ({ page }) => {
  await page.goto(`http://127.0.0.1:${server.port}/`);
  expect(await page.evaluate(() => window.rings.create())).toContain("not cross-origin isolated");
});
