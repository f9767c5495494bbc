import { build } from "esbuild";
import { selfImportPlugin } from "../../scripts/bundle.mjs";
import { ROOT } from "../../scripts/paths.mjs";
import { launchChromium } from "../chromium.ts";
import type { Plan } from "../harness.ts";
import { installPeers } from "../peers/packages.ts";
import type { CodecRow } from "./measure.ts";

/** What a page runs: it has no files and no packages but these. */
const PAGE = `
  import { measureCodecs } from "./measure.ts";
  import { OWN } from "./own.ts";
  import { RIVALS } from "./rivals/index.ts";
  import { SHAPES } from "./shapes.ts";
  globalThis.measure = (plan) => measureCodecs(plan, SHAPES, [...OWN, ...RIVALS]);
`;

/** Rows of a page in Chromium. */
export async function measureInChromium(plan: Plan): Promise<CodecRow[]> {
  installPeers();
  const { outputFiles } = await build({
    stdin: { contents: PAGE, resolveDir: `${ROOT}/bench/codecs`, loader: "ts" },
    bundle: true,
    write: false,
    format: "iife",
    platform: "browser",
    plugins: [selfImportPlugin(["browser", "default"])],
    logLevel: "error",
  });
  const browser = await launchChromium("--js-flags=--expose-gc");
  try {
    const page = await browser.newPage();
    await page.addScriptTag({ content: outputFiles[0]!.text });
    const rows = await page.evaluate(
      (chosen) => (globalThis as unknown as { measure(plan: unknown): unknown }).measure(chosen),
      plan,
    );
    return rows as CodecRow[];
  } finally {
    await browser.close();
  }
}
