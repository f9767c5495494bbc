import type { Browser } from "playwright";
import { LAUNCH_OPTIONS } from "../e2e/support/launch.ts";
import { ensureBrowser } from "../scripts/browser.mjs";

/**
 * Start the browser of a bench. Playwright is loaded only here: in this process its 28 MB slow down what is measured.
 * @param args - for Chromium, beside those that all start it with
 */
export async function launchChromium(...args: readonly string[]): Promise<Browser> {
  const { chromium } = await import("playwright");
  return chromium.launch({ executablePath: ensureBrowser(), args: [...LAUNCH_OPTIONS.args, ...args] });
}
