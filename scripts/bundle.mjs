import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { ROOT, selfImports } from "./paths.mjs";

/**
 * Sends imports of the package's own name to the sources.
 * @param {readonly string[]} conditions
 * @returns {import("esbuild").Plugin}
 */
export function selfImportPlugin(conditions) {
  const targets = selfImports(conditions);
  return {
    name: "self-imports",
    setup({ onResolve }) {
      onResolve({ filter: /^tideway(\/|$)/ }, ({ path }) => {
        const target = targets[path];
        return target === undefined
          ? { errors: [{ text: `Cannot resolve ${path}: not in the exports of package.json` }] }
          : { path: target, sideEffects: false };
      });
    },
  };
}

/** Put together here, so that this file can be part of a bundle itself. */
const META = ["import", "meta"].join(".");

/**
 * A bundle lies elsewhere than its sources, so what they say about their own place is written into it.
 * @type {import("esbuild").Plugin}
 */
const ownPlacePlugin = {
  name: "own-place",
  setup({ onLoad }) {
    onLoad({ filter: /\.(ts|mts|mjs|js)$/ }, async ({ path }) => {
      if (path.includes("node_modules")) return undefined;
      const text = await readFile(path, "utf8");
      if (!text.includes(`${META}.`)) return undefined;
      const contents = text
        .replaceAll(`${META}.url`, JSON.stringify(pathToFileURL(path).href))
        .replaceAll(`${META}.dirname`, JSON.stringify(dirname(path)))
        .replaceAll(`${META}.filename`, JSON.stringify(path));
      return { contents, loader: /ts$/.test(path) ? "ts" : "js" };
    });
  },
};

/**
 * Bundle a TypeScript program for the Node that runs now. Packages stay imports.
 * @param {string} entry - absolute path
 * @param {string} outfile - absolute path of the `.mjs` to write, inside the package so that packages are found
 */
export async function bundleForNode(entry, outfile) {
  await build({
    entryPoints: [entry],
    outfile,
    absWorkingDir: ROOT,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    packages: "external",
    sourcemap: "inline",
    logLevel: "warning",
    plugins: [selfImportPlugin(["node", "default"]), ownPlacePlugin],
  });
}

/**
 * Bundle a TypeScript program, its packages with it, for a runtime with the API of the web: a page, or Deno.
 * @param {string} entry - absolute path
 * @param {string} outfile - absolute path of the module to write
 * @param {readonly string[]} conditions - those of `exports` that hold there
 */
export async function bundleForWeb(entry, outfile, conditions) {
  await build({
    entryPoints: [entry],
    outfile,
    absWorkingDir: ROOT,
    bundle: true,
    platform: "neutral",
    mainFields: ["module", "main"],
    conditions: [...conditions],
    external: ["node:*"],
    format: "esm",
    target: "es2022",
    logLevel: "warning",
    plugins: [selfImportPlugin(conditions)],
  });
}
