import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { build } from "esbuild";
import { selfImportPlugin } from "../../scripts/bundle.mjs";

const PAGE = join(import.meta.dirname, "..", "page");

/** The files of the page by name, its scripts and style bundled. Nothing is written to disk. */
export async function buildFiles(): Promise<ReadonlyMap<string, Uint8Array>> {
  const { outputFiles } = await build({
    entryPoints: ["main.ts", "aggregate-worker.ts", "style.css"].map((name) => join(PAGE, name)),
    outdir: "/",
    write: false,
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    logLevel: "warning",
    plugins: [selfImportPlugin(["browser", "default"])],
  });
  const files = new Map<string, Uint8Array>();
  for (const { path, contents } of outputFiles) files.set(basename(path), contents);
  for (const name of ["index.html", "icon.svg"]) files.set(name, await readFile(join(PAGE, name)));
  return files;
}
