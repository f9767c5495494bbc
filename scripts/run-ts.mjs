// Runs a TypeScript program: node scripts/run-ts.mjs [--packages=folder] [node options] <entry.ts> [arguments]
// With --packages, its imports are looked for in the node_modules of that folder of the repository first.
import { spawn } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { bundleForNode } from "./bundle.mjs";
import { CACHE, ROOT } from "./paths.mjs";

const given = process.argv.slice(2);
const packages = given[0]?.startsWith("--packages=") ? given.shift()?.slice("--packages=".length) : undefined;
const entryAt = given.findIndex((argument) => !argument.startsWith("-"));
const entry = given[entryAt];
if (entry === undefined) {
  console.error("Usage: node scripts/run-ts.mjs [--packages=folder] [node options] <entry.ts> [arguments]");
  process.exit(2);
}

const cache = packages === undefined ? CACHE : join(ROOT, packages, "node_modules", ".cache", "tideway");
mkdirSync(cache, { recursive: true });
const outfile = join(cache, `${basename(entry).replace(/\.[a-z]+$/, "")}-${process.pid}.mjs`);
process.on("exit", () => rmSync(outfile, { force: true }));
try {
  await bundleForNode(resolve(entry), outfile);
} catch {
  process.exit(1); // esbuild has printed why
}

const nodeOptions = ["--enable-source-maps", ...given.slice(0, entryAt)];
const child = spawn(process.execPath, [...nodeOptions, outfile, ...given.slice(entryAt + 1)], {
  stdio: "inherit",
});

for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"])) {
  process.on(signal, () => {
    // A terminal sends Ctrl-C to the child as well.
    if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal);
  });
}

child.on("exit", (code, signal) => {
  rmSync(outfile, { force: true });
  if (signal === null) process.exit(code ?? 1);
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
});
