import { join } from "node:path";
import { expect, test } from "@playwright/test";
import { bundlePrograms, type PageServer, servePages } from "../test/pages.ts";
import type { UnitFile } from "./pages/unit/unit.ts";

let server: PageServer;

test.beforeAll(async () => {
  const scripts = await bundlePrograms(["e2e/pages/unit/unit.ts"], {
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
  page: ["copy", "lane", "formats", "hostile"],
  Worker: ["channels", "hostile", "kill"],
};

/** Tests that need what no page has: a measure of what the processor has done. */
const SKIPPED: Partial<Record<UnitFile, readonly string[]>> = {
  channels: ["channels > waiting > nobody uses the processor while nothing comes"],
};

for (const place of ["page", "Worker"] as const) {
  test(`the tests of Node pass in a ${place}: ${PLACES[place].join(", ")}`, async ({ page }) => {
    for (const file of PLACES[place]) {
      const { passed, failed, skipped } = await page.evaluate(
        ([name, where]) => (where === "page" ? window.unit.runHere(name) : window.unit.runInWorker(name)),
        [file, place] as const,
      );
      console.log(`    ${file}: ${passed} passed`);
      expect({ file, failed, skipped }).toEqual({ file, failed: [], skipped: SKIPPED[file] ?? [] });
      expect(passed).toBeGreaterThan(0);
    }
  });
}
