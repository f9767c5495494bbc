// Writes dist/: one JavaScript file, one declaration file and their maps for each source file.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./paths.mjs";

const DIST = join(ROOT, "dist");
rmSync(DIST, { recursive: true, force: true });

const tsc = join(ROOT, "node_modules", "typescript", "bin", "tsc");
const { status } = spawnSync(process.execPath, [tsc, "-p", "tsconfig.build.json"], {
  cwd: ROOT,
  stdio: "inherit",
});
if (status !== 0) process.exit(status ?? 1);

// The compiler rewrites `./x.ts` to `./x.js` in JavaScript only.
for (const name of existsSync(DIST) ? readdirSync(DIST, { recursive: true, encoding: "utf8" }) : []) {
  if (!name.endsWith(".d.ts")) continue;
  const path = join(DIST, name);
  const text = readFileSync(path, "utf8");
  const rewritten = text.replace(/(\b(?:from|import)\s*\(?\s*["']\.{1,2}\/[^"'\n]*?)\.ts(["'])/g, "$1.js$2");
  if (rewritten !== text) writeFileSync(path, rewritten);
}
