import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { basename, join } from "node:path";
import { build } from "esbuild";
import { selfImportPlugin } from "../scripts/bundle.mjs";
import { ROOT } from "../scripts/paths.mjs";

/** What makes a page cross-origin isolated, so that it can share memory with its Workers. */
const ISOLATION = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
};

/** Scripts by the path that they are served at: "/name.js". */
export type Scripts = ReadonlyMap<string, string>;

/** Pages that are served. */
export interface PageServer {
  readonly port: number;
  close(): void;
}

/**
 * Bundle programs for pages and Workers, each with all that it imports.
 * @param entries - paths from the root of the repository; the name of the file is that of the script
 * @param alias - packages that are others in a page
 */
export async function bundlePrograms(
  entries: readonly string[],
  alias: Readonly<Record<string, string>> = {},
): Promise<Scripts> {
  const { outputFiles } = await build({
    entryPoints: entries.map((entry) => join(ROOT, entry)),
    outdir: "/",
    entryNames: "[name]",
    absWorkingDir: ROOT,
    write: false,
    bundle: true,
    format: "esm",
    target: "es2022",
    logLevel: "warning",
    alias: { ...alias },
    plugins: [selfImportPlugin(["browser", "default"])],
  });
  return new Map(outputFiles.map(({ path, text }) => [`/${basename(path)}`, text]));
}

/**
 * Serve scripts and two pages that load some of them: "/", and "/isolated", which is cross-origin isolated.
 * @param loaded - paths of the scripts that the pages load
 */
export async function servePages(scripts: Scripts, loaded: readonly string[]): Promise<PageServer> {
  const tags = loaded.map((path) => `<script type="module" src="${path}"></script>`);
  const html = `<!doctype html><link rel="icon" href="data:,">${tags.join("")}`;
  const server = createServer(({ url = "/" }, response) => {
    const script = scripts.get(url);
    if (script !== undefined) {
      response.writeHead(200, { "content-type": "text/javascript", ...ISOLATION }).end(script);
    } else if (url === "/" || url === "/isolated") {
      const headers = url === "/" ? {} : ISOLATION;
      response.writeHead(200, { "content-type": "text/html; charset=utf-8", ...headers }).end(html);
    } else response.writeHead(404).end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
