import { readFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { ROOT } from "../../scripts/paths.mjs";
import type { SavedRun } from "../saved.ts";

/** A run as one HTML page with charts, which needs nothing else. */
export async function toHtml(run: SavedRun): Promise<string> {
  const script = await bundlePage();
  const styles = [
    readFileSync(join(ROOT, "node_modules", "uplot", "dist", "uPlot.min.css"), "utf8"),
    readFileSync(join(ROOT, "bench", "report-page", "style.css"), "utf8"),
  ];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Tideway: figures of the benches</title>
<style>
${styles.join("\n")}
</style>
</head>
<body>
<main id="report"></main>
<script type="application/json" id="run">${embed(JSON.stringify(run))}</script>
<script type="module">
${script}
</script>
</body>
</html>
`;
}

/** JSON that cannot end the script element around it. */
function embed(json: string): string {
  return json.replaceAll("<", "\\u003c");
}

async function bundlePage(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(ROOT, "bench", "report-page", "page.ts")],
    absWorkingDir: ROOT,
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    write: false,
    logLevel: "warning",
  });
  return (outputFiles[0]?.text ?? "").replaceAll("</script", "<\\/script");
}
