import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";
import { selfImportPlugin } from "../../scripts/bundle.mjs";

/** A file that the server has in memory. */
export interface Asset {
  readonly type: string;
  readonly body: Buffer;
  readonly etag: string;
}

const PAGE = join(import.meta.dirname, "..", "page");
const TYPES = { html: "text/html", css: "text/css", js: "text/javascript", svg: "image/svg+xml" } as const;

/** The files of the page by path, its script and style bundled. Nothing is written to disk. */
export async function buildPage(): Promise<ReadonlyMap<string, Asset>> {
  const { outputFiles } = await build({
    entryPoints: [join(PAGE, "main.ts"), join(PAGE, "style.css")],
    outdir: "/",
    write: false,
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    logLevel: "warning",
    plugins: [selfImportPlugin(["browser", "default"])],
  });
  const assets = new Map<string, Asset>();
  for (const { path, contents } of outputFiles) {
    const name = path.endsWith(".css") ? "style.css" : "main.js";
    assets.set(`/${name}`, asset(name, Buffer.from(contents)));
  }
  for (const name of ["index.html", "icon.svg"]) {
    assets.set(`/${name}`, asset(name, await readFile(join(PAGE, name))));
  }
  const index = assets.get("/index.html");
  if (index !== undefined) assets.set("/", index);
  return assets;
}

function asset(name: string, body: Buffer): Asset {
  const type = TYPES[name.slice(name.lastIndexOf(".") + 1) as keyof typeof TYPES];
  const etag = `"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"`;
  return { type: `${type}; charset=utf-8`, body, etag };
}
