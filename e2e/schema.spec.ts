import { build } from "esbuild";
import { ROOT } from "../scripts/paths.mjs";
import { expect, test } from "./support/demo.ts";

const ORIGIN = "https://strict.example";
const POLICY = "default-src 'none'; script-src 'self'";

/** The golden file, and whether code can be made from text here. */
const PAGE = `
  import { runGolden } from "./test/golden/schema/golden.ts";
  let evaluates = true;
  try { new Function("return 1")(); } catch { evaluates = false; }
  document.title = JSON.stringify({ evaluates, results: runGolden() });
`;

test("the schema codec works in a page whose policy forbids code made from text", async ({ page }) => {
  const { outputFiles } = await build({
    stdin: { contents: PAGE, resolveDir: ROOT, loader: "ts" },
    bundle: true,
    write: false,
    format: "iife",
    platform: "browser",
    logLevel: "error",
  });
  await page.route(`${ORIGIN}/**`, (route) =>
    route.request().url().endsWith(".js")
      ? route.fulfill({ contentType: "text/javascript", body: outputFiles[0]!.text })
      : route.fulfill({
          contentType: "text/html",
          headers: { "content-security-policy": POLICY },
          body: '<!doctype html><script src="/page.js"></script>',
        }),
  );
  await page.goto(`${ORIGIN}/`);
  const { evaluates, results } = JSON.parse(await page.title()) as {
    evaluates: boolean;
    results: { name: string; problem?: string }[];
  };
  expect(evaluates).toBe(false);
  expect(results.length).toBeGreaterThan(70);
  expect(results.filter(({ problem }) => problem !== undefined)).toEqual([]);
});
