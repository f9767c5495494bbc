import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { selfImportPlugin } from "../bundle.mjs";
import { ROOT } from "../paths.mjs";

/** What a page that dials and makes typed calls should cost, minified and gzipped: the goal, not reached yet. */
export const TARGET_BYTES = 12_000;

/** What it may cost today: a guard against growth. See docs/decisions/0012-the-size-of-the-client.md. */
export const BUDGET_BYTES = 39_700;

/** What such a page imports. */
const PAGE = `import { connect, contract, client } from "tideway"; globalThis.page = { connect, contract, client };`;

/**
 * Bundle a page for the browser and weigh it.
 * @param {string} [page] - the source of the page
 * @returns {Promise<{ gzipBytes: number, rawBytes: number, inputs: string[] }>}
 */
export async function weighPage(page = PAGE) {
  const { outputFiles, metafile } = await build({
    stdin: { contents: page, resolveDir: ROOT, loader: "ts" },
    absWorkingDir: ROOT,
    bundle: true,
    minify: true,
    metafile: true,
    write: false,
    platform: "browser",
    format: "esm",
    target: "es2022",
    logLevel: "silent",
    plugins: [selfImportPlugin(["browser", "default"])],
  });
  const contents = outputFiles[0]?.contents ?? new Uint8Array();
  const inputs = Object.values(metafile.outputs).flatMap(({ inputs: used }) =>
    Object.entries(used).filter(([, { bytesInOutput }]) => bytesInOutput > 0),
  );
  return {
    gzipBytes: gzipSync(contents, { level: 9 }).length,
    rawBytes: contents.length,
    inputs: inputs.map(([path]) => path),
  };
}

/**
 * @returns {Promise<{ note: string, problems: string[] }>}
 */
export async function checkBundle() {
  const { gzipBytes, rawBytes, inputs } = await weighPage();
  const problems = [];
  if (gzipBytes > BUDGET_BYTES) {
    problems.push(`Cannot ship ${gzipBytes} bytes to a page: the budget is ${BUDGET_BYTES} bytes (gzip -9)`);
  }
  for (const input of inputs.filter((path) => path.includes("msgpack"))) {
    problems.push(`Cannot ship ${input} to a page that did not ask for it`);
  }
  const note = `${gzipBytes} of ${BUDGET_BYTES} bytes gzipped (target ${TARGET_BYTES}), ${rawBytes} minified`;
  return { note, problems };
}
