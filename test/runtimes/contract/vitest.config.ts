// The transports of a runtime, tested inside it: main.ts starts vitest there.
import { join } from "node:path";
import { defineConfig } from "vitest/config";
import { ROOT } from "../../../scripts/paths.mjs";

const runtime = "Deno" in globalThis ? "deno" : "bun";

export default defineConfig({
  root: ROOT,
  cacheDir: `node_modules/.cache/vite-${runtime}`,
  test: {
    include: [`test/runtimes/contract/*.${runtime}.ts`],
    pool: "forks",
    maxWorkers: 1,
    testTimeout: 20_000,
    reporters: ["dot", join(ROOT, "scripts/reporters/vitest.mjs")],
  },
});
