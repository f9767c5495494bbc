import { readFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { selfImportPlugin } from "../scripts/bundle.mjs";
import { ROOT } from "../scripts/paths.mjs";
import { expect, test } from "./support/demo.ts";

const ORIGIN = "https://compressors.example";
const ZSTD_WASM = join(ROOT, "node_modules/@bokuweb/zstd-wasm/dist/web/zstd.wasm");

/** What the page reports in its title. */
interface Report {
  readonly names: readonly string[];
  /** Golden files that were read, hostile blocks that ended as they must, and what went wrong. */
  readonly golden: number;
  readonly hostile: number;
  readonly wrong: readonly string[];
  /** Length of 20,000 bytes of JSON at levels 1, 3 and 19. */
  readonly lengths: readonly number[];
}

const PAGE = `
  import { loadCompressors } from "tideway/compression";
  import { replayCorpus } from "./test/compression/corpus.ts";
  import { makeInput } from "./test/compression/inputs.ts";
  import vectors from "./test/vectors/compression.json" with { type: "json" };

  const zstdPackage = () => import("@bokuweb/zstd-wasm");
  const same = (a, b) => a.length === b.length && a.every((byte, i) => byte === b[i]);
  const wrong = [];
  let golden = 0;
  let hostile = 0;
  const all = await loadCompressors(["zstd", "lz4", "deflate"], { zstdPackage });
  for (const compressor of all) {
    for (const { name, compressor: wanted, kind, length, base64 } of vectors) {
      if (wanted !== compressor.name) continue;
      const block = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
      if (same(compressor.expand(block, length), makeInput(kind, length, 1))) golden++;
      else wrong.push(name);
    }
    const replayed = replayCorpus(compressor);
    hostile += replayed.count;
    wrong.push(...replayed.wrong);
  }
  const source = makeInput("json", 20_000, 1);
  const lengths = [];
  for (const zstdLevel of [1, 3, 19]) {
    const [zstd] = await loadCompressors(["zstd"], { zstdPackage, zstdLevel });
    const into = new Uint8Array(30_000);
    const block = into.slice(0, zstd.compress(source, into));
    if (!same(zstd.expand(block, source.length), source)) wrong.push("level " + zstdLevel);
    lengths.push(block.length);
  }
  document.title = JSON.stringify({ names: all.map(({ name }) => name), golden, hostile, wrong, lengths });
`;

test("a page expands golden files and hostile blocks, Zstandard too", async ({ page }) => {
  const { outputFiles } = await build({
    stdin: { contents: PAGE, resolveDir: ROOT, loader: "js" },
    absWorkingDir: ROOT,
    bundle: true,
    write: false,
    format: "esm",
    platform: "browser",
    target: "es2022",
    logLevel: "error",
    plugins: [selfImportPlugin(["browser", "default"])],
  });
  const files: Readonly<Record<string, { contentType: string; body: string | Buffer }>> = {
    "/": { contentType: "text/html", body: '<!doctype html><script type="module" src="/page.js"></script>' },
    "/page.js": { contentType: "text/javascript", body: outputFiles[0]!.text },
    // The package looks for it beside the script.
    "/zstd.wasm": {
      contentType: "application/wasm",
      body: readFileSync(ZSTD_WASM),
    },
  };
  await page.route(`${ORIGIN}/**`, (route) => {
    const file = files[new URL(route.request().url()).pathname];
    return file === undefined ? route.fulfill({ status: 404 }) : route.fulfill(file);
  });
  await page.goto(`${ORIGIN}/`);
  await expect.poll(() => page.title()).not.toBe("");
  const report = JSON.parse(await page.title()) as Report;
  expect(report.wrong).toEqual([]);
  expect(report.names).toEqual(["zstd", "lz4", "deflate"]);
  expect([report.golden, report.hostile]).toEqual([63, 251]);
  const [fast, normal, small] = report.lengths as [number, number, number];
  expect(fast).toBeLessThan(6_000);
  expect(normal).toBeLessThanOrEqual(fast);
  expect(small).toBeLessThan(normal);
});
