import { defineConfig } from "@playwright/test";
import { findBrowser } from "../scripts/browser.mjs";

const executablePath = findBrowser();

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
    launchOptions: {
      ...(executablePath === undefined ? {} : { executablePath }),
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    },
  },
});
