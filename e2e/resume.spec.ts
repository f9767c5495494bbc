import type { Page } from "@playwright/test";
import { ChaosProxy } from "../test/chaos/proxy.ts";
import {
  chooseFile,
  counted,
  expect,
  recordSequences,
  releaseFile,
  sentPart,
  test,
  timelineOf,
  UNREACHABLE,
} from "./support/demo.ts";

const CUTS = 5;
const MOVES = 2;
const OFFLINE_MS = 3_000;
const UPLOAD_MS = 40_000;
/** A link that a file of 24 MiB takes six seconds over. */
const SLOW = { bitsPerSecond: 32_000_000, delayMs: 10 };

/** Wait until the file is whole at the server, and look at the rest of the page. */
async function expectWhole(page: Page, sequences: () => Promise<number[]>): Promise<void> {
  await expect(page.locator("#file-status")).toHaveText(/both ends have the same hash/, {
    timeout: UPLOAD_MS,
  });
  const hashes = await page.locator("#up-hash, #server-hash").allTextContents();
  expect(hashes[0]).toMatch(/^[0-9a-f]{64}$/);
  expect(new Set(hashes).size).toBe(1);
  const seen = await sequences();
  expect(seen.length).toBeGreaterThan(4);
  expect(seen).toEqual(counted(seen));
  await expect(page.locator("#gaps")).toHaveText("0");
}

test("a file survives five cuts on a slow link, and telemetry has no gap", async ({ openDemo }) => {
  test.setTimeout(60_000);
  const page = await openDemo({ link: SLOW });
  const sequences = await recordSequences(page);
  await chooseFile(page, 24, true);
  for (let cut = 1; cut <= CUTS; cut++) {
    await expect.poll(() => sentPart(page)).toBeGreaterThan(cut / (CUTS + 2));
    await page.locator("#cut").click();
    await expect(page.locator("#timeline [data-kind='resumed']")).toHaveCount(cut);
  }
  expect(await sentPart(page)).toBeLessThan(1);
  await releaseFile(page);
  await expectWhole(page, sequences);
  const pair = ["Cut: the server has reset the socket", "Resumed: after T, N B sent again"];
  expect(await timelineOf(page)).toEqual([
    "Connected: over websocket",
    ...Array.from({ length: CUTS }, () => pair).flat(),
  ]);
  for (const id of ["reconnects", "resumes"])
    await expect(page.locator(`#stat-${id}`)).toHaveText(String(CUTS));
  await expect(page.locator("#stat-sent-again")).not.toHaveText("0 B");
});

test("a file goes on when the session moves to another connection", async ({ openDemo }) => {
  test.setTimeout(60_000);
  const page = await openDemo({ link: SLOW });
  const sequences = await recordSequences(page);
  await chooseFile(page, 24, true);
  for (let move = 1; move <= MOVES; move++) {
    await expect.poll(() => sentPart(page)).toBeGreaterThan(move / (MOVES + 2));
    await page.locator("#move").click();
    await expect(page.locator("#timeline [data-kind='migrated']")).toHaveCount(move);
  }
  expect(await sentPart(page)).toBeLessThan(1);
  await releaseFile(page);
  await expectWhole(page, sequences);
  expect(await timelineOf(page)).toEqual([
    "Connected: over websocket",
    ...Array.from({ length: MOVES }, () => "Migrated: websocket to websocket in T, N B sent again"),
  ]);
  await expect(page.locator("#stat-migrations")).toHaveText(String(MOVES));
  await expect(page.locator("#stat-reconnects")).toHaveText("0");
});

test("a page that was offline goes on, and its connection is another one", async ({ openDemo, demo }) => {
  test.setTimeout(60_000);
  await using proxy = await ChaosProxy.open(demo.port);
  const page = await openDemo({ port: proxy.port, link: SLOW, expected: UNREACHABLE });
  const sequences = await recordSequences(page);
  await chooseFile(page, 24);
  await expect.poll(() => sentPart(page)).toBeGreaterThan(0.1);

  // Chromium holds what is on its way and goes on with it later; a network that is gone does not.
  await page.context().setOffline(true);
  expect(proxy.strike("freeze")).toBeGreaterThan(0);
  await page.locator("#line").fill("Said offline");
  await page.locator("#line").press("Enter");
  await page.waitForTimeout(OFFLINE_MS);
  expect(await sentPart(page)).toBeLessThan(1);
  await page.context().setOffline(false);

  await expectWhole(page, sequences);
  await expect(page.locator("#lines .own")).toHaveText(["YouSaid offline"]);
  // The page notices by itself that nothing comes back, or that its connection is lost: either way it goes on.
  expect((await timelineOf(page)).at(-1)).toMatch(
    /^(Migrated: websocket to websocket|Resumed: after T), N B/,
  );
  const again = page.locator("#stat-migrations, #stat-resumes");
  expect((await again.allTextContents()).sort().at(-1)).toBe("1");
});
