import { spawn } from "node:child_process";
import { once } from "node:events";
import { test as base, expect, type Page } from "@playwright/test";
import { ROOT } from "../scripts/paths.mjs";
import {
  Complaints,
  chooseFile,
  counted,
  recordSequences,
  releaseFile,
  sentPart,
  timelineOf,
} from "./support/demo.ts";
import { type Program, startProgram } from "./support/program.ts";

const ENTRY = "demo/deno/start.ts";
const UPLOAD_MS = 120_000;
/** Deno resets a WebSocket that it closes while data arrives, which Chromium prints. Nothing is lost. */
const RESET = /^WebSocket connection to /;

const test = base.extend<{ readonly page: Page }, { readonly demo: Program }>({
  demo: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the names of fixtures from the pattern
    async ({}, use) => {
      const demo = await startProgram(ENTRY);
      await use(demo);
      expect(await demo.stop(), "files that the demo left behind").toEqual([]);
    },
    { scope: "worker" },
  ],
  page: async ({ demo, page }, use) => {
    const complaints = new Complaints(page);
    await page.goto(demo.url);
    await expect(page.locator("#state")).toHaveText("Open", { timeout: 15_000 });
    await use(page);
    expect(complaints.except(RESET)).toEqual([]);
  },
});

/** Switch the session to a transport with the page's own button, and wait until it is there. */
async function switchTo(page: Page, name: "websocket" | "webtransport"): Promise<void> {
  const button = page.locator(`#use-${name}`);
  await button.click();
  await expect(button).toHaveAttribute("aria-pressed", "true", { timeout: 10_000 });
  await expect(page.locator("#stat-transport")).toHaveText(name);
}

test("WebTransport wins, and the page says why", async ({ page }) => {
  await expect(page.locator("#winner")).toHaveText("WebTransport won");
  await expect(page.locator("#winner-server")).toHaveText(/^served by Deno \d+\.\d+\.\d+$/);
  const reasons = await page.locator("#reasons li").allTextContents();
  expect(reasons[0]).toBe("WebTransport has a head start of 2000 ms");
  expect(reasons[1]).toMatch(/^WebTransport answered after \d+ ms$/);
  expect(await timelineOf(page)).toEqual(["Connected: over webtransport"]);
  await expect(page.locator("#use-webtransport")).toHaveAttribute("aria-pressed", "true");
  await expect(page.locator("#use-websocket")).toBeEnabled();
});

test("the session switches both ways while a file goes up, and telemetry has no gap", async ({ page }) => {
  test.setTimeout(180_000);
  const sequences = await recordSequences(page);
  await chooseFile(page, 40, true);
  await expect.poll(() => sentPart(page)).toBeGreaterThan(0.05);
  await switchTo(page, "websocket");
  await switchTo(page, "webtransport");
  expect(await sentPart(page)).toBeLessThan(1);
  await releaseFile(page);
  await expect(page.locator("#file-status")).toHaveText(/both ends have the same hash/, {
    timeout: UPLOAD_MS,
  });
  const hashes = await page.locator("#up-hash, #server-hash").allTextContents();
  expect(new Set(hashes).size).toBe(1);
  const seen = await sequences();
  expect(seen.length).toBeGreaterThan(4);
  expect(seen).toEqual(counted(seen));
  expect((await timelineOf(page)).slice(0, 2)).toEqual([
    "Connected: over webtransport",
    "Migrated: webtransport to websocket in T, N B sent again",
  ]);
});

test("a connection that is cut is resumed, over either transport", async ({ page }) => {
  for (const name of ["webtransport", "websocket"] as const) {
    if ((await page.locator("#stat-transport").textContent()) !== name) await switchTo(page, name);
    const resumed = page.locator("#timeline [data-kind='resumed']");
    const before = await resumed.count();
    await page.locator("#cut").click();
    await expect(resumed).toHaveCount(before + 1, { timeout: 10_000 });
    expect((await timelineOf(page)).slice(-2)).toEqual([
      "Cut: the page has dropped the connection",
      "Resumed: after T, N B sent again",
    ]);
  }
});

test("both transports are compared side by side", async ({ page }) => {
  for (const name of ["websocket", "webtransport"]) {
    await expect(page.locator(`#${name}-p50`)).toHaveText(/^\d+(\.\d+)? ms$/, { timeout: 10_000 });
    await expect(page.locator(`#${name}-p99`)).toHaveText(/^\d+(\.\d+)? ms$/);
    await expect
      .poll(async () => Number(await page.locator(`#${name}-calls`).textContent()))
      .toBeGreaterThan(5);
  }
  await expect(page.locator("#comparison-chart canvas")).toBeVisible();
  await expect(page.locator("#comparison-chart")).toHaveAttribute(
    "aria-label",
    /WebSocket half below .* ms; WebTransport half below .* ms/,
  );
});

for (const colorScheme of ["light", "dark"] as const) {
  for (const width of [360, 1_400]) {
    test(`the page is whole in ${colorScheme} at ${width} px`, async ({ demo, browser }) => {
      const page = await browser.newPage({ colorScheme, viewport: { width, height: 900 } });
      const complaints = new Complaints(page);
      await page.goto(demo.url);
      await expect(page.locator("#state")).toHaveText("Open", { timeout: 15_000 });
      const heights = () =>
        page
          .locator(".card")
          .evaluateAll((cards) => cards.map((card) => card.getBoundingClientRect().height));
      const before = await heights();
      await expect(page.locator("#websocket-calls")).toHaveText(/^\d{1,}$/);
      await switchTo(page, "websocket");
      await page.waitForTimeout(1_000);
      const picture = await page.screenshot({ fullPage: true });
      await test.info().attach(`deno-${colorScheme}-${width}`, { body: picture, contentType: "image/png" });
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width);
      expect(await heights(), "heights of the cards, which may not jump").toEqual(before);
      expect(complaints.except(RESET)).toEqual([]);
      await page.close();
    });
  }
}

test("without Deno one line says what to do", async () => {
  const child = spawn(process.execPath, ["scripts/run-ts.mjs", ENTRY], {
    cwd: ROOT,
    env: { ...process.env, DENO_PATH: "/nowhere/deno" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (output += text));
  const [code] = await once(child, "close");
  expect([code, output]).toEqual([
    1,
    "Cannot find Deno: run npm ci --prefix test/runtimes, or set DENO_PATH to one\n",
  ]);
});
