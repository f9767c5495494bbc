import { defineConfig } from "vitest/config";
import { selfImports } from "./scripts/paths.mjs";

const alias = Object.entries(selfImports(["node", "default"])).map(([specifier, replacement]) => ({
  find: new RegExp(`^${specifier}$`),
  replacement,
}));

export default defineConfig({
  cacheDir: "node_modules/.cache/vite",
  resolve: { alias },
  test: {
    environment: "node",
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 20_000,
    reporters: ["default", "./scripts/reporters/vitest.mjs"],
    projects: [
      {
        extends: true,
        test: { name: "unit", include: ["src/**/*.test.ts", "test/**/*.test.ts"] },
      },
    ],
  },
});
