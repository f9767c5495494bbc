import { findBrowser } from "../../scripts/browser.mjs";

const executablePath = findBrowser();

/** How Chromium is started. */
export const LAUNCH_OPTIONS = {
  ...(executablePath === undefined ? {} : { executablePath }),
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
};
