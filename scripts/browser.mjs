import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";

const SYSTEM_CHROMIUM = "/usr/bin/chromium";

/** Playwright takes 28 MB of heap: it is loaded when it is asked, so that it slows down nothing that is measured. */
const load = createRequire(import.meta.url);

/** @returns {string} where Playwright would have installed its own */
function installedPath() {
  return load("playwright").chromium.executablePath();
}

/**
 * Where a Chromium is: CHROMIUM_PATH, the system's, or the one that Playwright installed.
 * @returns {string | undefined} `undefined` when there is none
 */
export function findBrowser() {
  const given = process.env["CHROMIUM_PATH"];
  if (given !== undefined && given !== "") return existsSync(given) ? given : undefined;
  if (existsSync(SYSTEM_CHROMIUM)) return SYSTEM_CHROMIUM;
  const installed = installedPath();
  return existsSync(installed) ? installed : undefined;
}

/**
 * Find a Chromium, installing it where that is one command: as root on Debian.
 * @returns {string} its path
 * @throws {Error} when there is none; the message says what to do
 */
export function ensureBrowser() {
  const found = findBrowser();
  if (found !== undefined) return found;
  const given = process.env["CHROMIUM_PATH"];
  if (given) throw new Error(`Cannot find a browser: CHROMIUM_PATH is ${given}, and no such file exists`);
  if (process.getuid?.() === 0 && existsSync("/etc/debian_version")) {
    console.log("No Chromium found: installing Debian's");
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    for (const args of [["update"], ["install", "-y", "--no-install-recommends", "chromium"]]) {
      const { status } = spawnSync("apt-get", ["-qq", ...args], {
        stdio: ["ignore", "ignore", "inherit"],
        env,
      });
      if (status !== 0) break;
    }
    if (existsSync(SYSTEM_CHROMIUM)) return SYSTEM_CHROMIUM;
  }
  throw new Error("Cannot find a browser: install Chromium, or set CHROMIUM_PATH to one");
}
