import { randomBytes } from "node:crypto";
import { rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "@playwright/test";
import { chooseFile, expect, nextSequences, percentile, test } from "./support/demo.ts";

const FILE_BYTES = 50_000_000;
const MOST_P99_MS = 50;
/** On a machine that is busy otherwise calls are slow without a file too: the bound is then this many times that. */
const BUSY_FACTOR = 2;
/** Whatever else runs there can only make a call slower: the best of a few runs counts. */
const ATTEMPTS = 3;
const IDLE_MS = 4_000;
const TRANSFER_MS = 45_000;

test("telemetry arrives, and no sample is missing", async ({ openDemo }) => {
  const page = await openDemo();
  const sequences = await nextSequences(page, 12);
  expect(sequences).toEqual(sequences.map((_, at) => (sequences[0] as number) + at));
  await expect(page.locator("#cpu")).toHaveText(/^\d+(\.\d)? %$/);
  await expect(page.locator("#memory")).toHaveText(/^\d+\.\d GiB$/);
  await expect(page.locator("#loop")).toHaveText(/^\d+(\.\d+)? ms$/);
  await expect(page.locator("#chart canvas")).toBeVisible();
  await expect(page.locator("#stat-round-trip")).toHaveText(/^\d+(\.\d+)? ms$/);
  await expect(page.locator("#stat-reconnects")).toHaveText("0");
});

test("a Worker aggregates the telemetry, and the page waits for it when the ring is full", async ({
  openDemo,
}) => {
  const page = await openDemo();
  await expect(page.locator("#ring-cpu")).toHaveText(/^\d+(\.\d)? % mean, \d+(\.\d)? % most$/);
  await page.click("#burst");
  await expect(page.locator("#ring-hint")).toHaveText(/^100,000 samples in \d+\.\d\d s/, { timeout: 30_000 });
  // Those of the burst and those of the server: the Worker has parsed all of them.
  await expect(page.locator("#ring-count")).toHaveText(/^100,\d{3}$/);
  await expect(page.locator("#ring-rate")).toHaveText(/^[\d,]+ k\/s$/);
  await expect(page.locator("#ring-waits")).toHaveText(/^[1-9][\d,]* waits, /);
  await expect(page.locator("#ring-high")).toHaveText(/ of 64\.0 KiB$/);
});

test("a file goes up and down while calls stay quick", async ({ openDemo }) => {
  test.setTimeout(120_000);
  const path = join(tmpdir(), `tideway-e2e-${process.pid}.bin`);
  await writeFile(path, randomBytes(FILE_BYTES));
  try {
    const page = await openDemo();
    let met = false;
    for (let attempt = 0; attempt < ATTEMPTS && !met; attempt++) {
      const idle = await measureEchoes(page, () => page.waitForTimeout(IDLE_MS));
      const busy = await measureEchoes(page, () => sendBothWays(page, path));
      expect(Math.min(idle.length, busy.length)).toBeGreaterThan(20);
      const mostMs = Math.max(MOST_P99_MS, BUSY_FACTOR * percentile(idle, 0.99));
      console.log(`    ${await rates(page)}; calls meanwhile ${describe(busy)}, before ${describe(idle)}`);
      met = percentile(busy, 0.99) < mostMs;
    }
    expect(met, `p99 of calls during the transfer was below ${MOST_P99_MS} ms`).toBe(true);
  } finally {
    await rm(path);
  }
});

test("a file that is too large is refused by name, and an upload can be cancelled", async ({ openDemo }) => {
  const page = await openDemo();
  const status = page.locator("#file-status");
  await chooseFile(page, 257);
  await expect(status).toHaveText("The server takes files up to 256 MiB (limit maxFileBytes).");
  await chooseFile(page, 200);
  await page.locator("#cancel").click();
  await expect(status).toHaveText(/^Cancelled after /);
  await expect(page.locator("#stat-open-streams")).toHaveText(/^[23]$/); // telemetry, chat, perhaps a call
  await expect(page.locator("#retry")).toBeEnabled();
});

async function sendBothWays(page: Page, path: string): Promise<void> {
  const status = page.locator("#file-status");
  await page.locator("#file").setInputFiles(path);
  await expect(status).toHaveText(/both ends have the same hash/, { timeout: TRANSFER_MS });
  await page.locator("#download").click();
  await expect(status).toHaveText(/all three hashes are equal/, { timeout: TRANSFER_MS });
  const hashes = await page.locator("#up-hash, #server-hash, #down-hash").allTextContents();
  expect(hashes[0]).toMatch(/^[0-9a-f]{64}$/);
  expect(new Set(hashes).size).toBe(1);
}

/** Latencies of the calls that the page makes while `work` runs, ms. */
async function measureEchoes(page: Page, work: () => Promise<void>): Promise<number[]> {
  const observer = await page.evaluateHandle(() => {
    const latencies: number[] = [];
    const observer = new PerformanceObserver((list) => {
      for (const { duration } of list.getEntriesByName("echo")) latencies.push(duration);
    });
    observer.observe({ type: "measure" });
    return { observer, latencies };
  });
  await work();
  return observer.evaluate(({ observer, latencies }) => {
    observer.disconnect();
    return latencies;
  });
}

async function rates(page: Page): Promise<string> {
  const [up, down] = await page.locator("#up-figures, #down-figures").allTextContents();
  const rate = (text: string | undefined) => text?.split(" · ").at(-1);
  return `50 MB up at ${rate(up)}, down at ${rate(down)}`;
}

function describe(latencies: readonly number[]): string {
  return `p50 ${percentile(latencies, 0.5).toFixed(1)} ms, p99 ${percentile(latencies, 0.99).toFixed(1)} ms`;
}
