import { defineConfig } from "@playwright/test";
import { LAUNCH_OPTIONS } from "./support/launch.ts";

export default defineConfig({
  testDir: ".",
  outputDir: "../node_modules/.cache/playwright",
  tsconfig: "../tsconfig.json",
  workers: 1,
  timeout: 30_000,
  forbidOnly: process.env["CI"] !== undefined,
  reporter: [["list"], ["../scripts/reporters/playwright.mjs"]],
  use: {
    browserName: "chromium",
    headless: true,
    screenshot: "off",
    trace: "off",
    video: "off",
    launchOptions: LAUNCH_OPTIONS,
  },
});
