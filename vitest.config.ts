import { configDefaults, defineConfig } from "vitest/config";
import { selfImports } from "./scripts/paths.mjs";

const alias = Object.entries(selfImports(["node", "default"])).map(([specifier, replacement]) => ({
  find: new RegExp(`^${specifier}$`),
  replacement,
}));

/** Tests of what something costs: one at a time, when the others are over. */
const MEASURED = ["test/bench/curves.test.ts", "test/channels/idle.test.ts"];

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
        test: {
          name: "unit",
          include: ["src/**/*.test.ts", "test/**/*.test.ts"],
          exclude: [...configDefaults.exclude, ...MEASURED],
        },
      },
      {
        extends: true,
        test: { name: "measured", include: MEASURED, maxWorkers: 1, sequence: { groupOrder: 1 } },
      },
    ],
  },
});
