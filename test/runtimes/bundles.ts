import { join } from "node:path";
import { build } from "esbuild";
import { bundleForNode, selfImportPlugin } from "../../scripts/bundle.mjs";
import { CACHE, ROOT } from "../../scripts/paths.mjs";

/** Where a program runs; also the `exports` conditions that hold there. */
export type Platform = "node" | "deno" | "bun" | "workerd" | "browser";

/**
 * Bundle a program for a runtime. Bundles for Node leave packages out, all others hold everything.
 * @param entry - path from the root of the repository
 * @returns the path of the bundle
 */
export async function bundle(entry: string, platform: Platform): Promise<string> {
  const name = entry.replace(/\.[a-z]+$/, "").replaceAll(/[^a-z0-9]+/gi, "-");
  const outfile = join(CACHE, "runtimes", `${name}-${platform}.mjs`);
  if (platform === "node") {
    await bundleForNode(join(ROOT, entry), outfile);
    return outfile;
  }
  await build({
    entryPoints: [join(ROOT, entry)],
    outfile,
    absWorkingDir: ROOT,
    bundle: true,
    platform: "neutral",
    mainFields: ["module", "main"],
    format: "esm",
    target: "es2022",
    logLevel: "warning",
    external: ["cloudflare:*", "node:*"],
    plugins: [selfImportPlugin([platform, "default"])],
  });
  return outfile;
}
