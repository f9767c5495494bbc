import { join } from "node:path";
import { expect, type Page, test } from "@playwright/test";
import { bundlePrograms, type PageServer, servePages } from "../test/pages.ts";
import type { UnitFile } from "./pages/unit/unit.ts";

test.describe.configure({ timeout: 120_000 });

let server: PageServer;

test.beforeAll(async () => {
  const scripts = await bundlePrograms(["e2e/pages/unit/unit.ts", "test/channels/threads/program-web.ts"], {
    vitest: join(import.meta.dirname, "pages/unit/vitest.ts"),
  });
  server = await servePages(scripts, ["/unit.js"]);
});

test.afterAll(() => server.close());

test.beforeEach(async ({ page }) => {
  await page.goto(`http://127.0.0.1:${server.port}/isolated`);
  expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
});

/** Where test files run: those with tests that block, in a Worker alone. */
const PLACES: Readonly<Record<"page" | "Worker", readonly UnitFile[]>> = {
  page: ["copy", "lane", "formats", "hostile", "vandal"],
  Worker: ["channels", "explorer", "hostile", "kill"],
};

/** Tests that need what no page has: a measure of what the processor has done. */
const SKIPPED: Partial<Record<UnitFile, readonly string[]>> = {
  channels: ["channels > waiting > nobody uses the processor while nothing comes"],
};

/** Run a test file, and see that nothing in it failed. */
async function pass(page: Page, file: UnitFile, place: keyof typeof PLACES): Promise<void> {
  const { passed, failed, skipped } = await page.evaluate(
    ([name, where]) => (where === "page" ? window.unit.runHere(name) : window.unit.runInWorker(name)),
    [file, place] as const,
  );
  console.log(`    ${file}: ${passed} passed`);
  expect({ file, failed, skipped }).toEqual({ file, failed: [], skipped: SKIPPED[file] ?? [] });
  expect(passed).toBeGreaterThan(0);
}

for (const place of ["page", "Worker"] as const) {
  test(`the tests of Node pass in a ${place}: ${PLACES[place].join(", ")}`, async ({ page }) => {
    for (const file of PLACES[place]) await pass(page, file, place);
  });
}

test("messages between Workers come once and whole, in every kind of ring, of every size, over every wrap", async ({
  page,
}) => {
  await pass(page, "stress", "page");
});

test("a Worker that is ended in a state of a ring is told of, and is gone", async ({ page }) => {
  await pass(page, "kills", "page");
  await expect.poll(() => page.workers().length, { timeout: 10_000 }).toBe(0);
});
