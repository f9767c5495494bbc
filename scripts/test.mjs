// The whole test run: static checks, unit tests, floors of performance, every runtime against every other, end-to-end tests. The last line is `N passed, N failed`.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ensureBrowser } from "./browser.mjs";
import { ROOT } from "./paths.mjs";

/** @typedef {import("./reporters/counts.mjs").Counts} Counts */

const BIN = join(ROOT, "node_modules", ".bin");
const PARTS = [
  { name: "check", command: [process.execPath, "scripts/check.mjs"] },
  { name: "unit", command: [join(BIN, "vitest"), "run"] },
  // After the unit tests, when nothing else runs: what it measures are ratios, but short ones.
  { name: "guard", command: [process.execPath, "scripts/run-ts.mjs", "--expose-gc", "bench/guard/main.ts"] },
  // Before those of the end-to-end tests that need Deno: it is installed here.
  { name: "runtimes", command: [process.execPath, "scripts/run-ts.mjs", "test/runtimes/main.ts"] },
  { name: "e2e", command: [join(BIN, "playwright"), "test", "--config", "e2e/playwright.config.ts"] },
];

/** @type {import("node:child_process").ChildProcess | undefined} */
let running;
for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"])) {
  process.on(signal, () => {
    running?.kill(signal);
    process.exit(1);
  });
}

/**
 * @param {readonly string[]} command
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<number>} the exit code, 1 for an end by a signal
 */
function execute([program = "", ...args], env) {
  return new Promise((resolve) => {
    running = spawn(program, args, { cwd: ROOT, env, stdio: ["ignore", "inherit", "inherit"] });
    running.on("error", (error) => {
      console.error(error.message);
      resolve(1);
    });
    running.on("exit", (code) => resolve(code ?? 1));
  });
}

/**
 * What a part has counted. A part that counted nothing, or that failed without a failed test, has a failure.
 * @param {string} path
 * @param {number} status
 * @returns {Counts & { remark: string }}
 */
function readCounts(path, status) {
  try {
    const counts = JSON.parse(readFileSync(path, "utf8"));
    const { passed, failed, skipped } = counts;
    if (![passed, failed, skipped].every((count) => Number.isSafeInteger(count) && count >= 0)) {
      throw new TypeError("Cannot read counts");
    }
    if (passed + failed === 0) return { passed, failed: 1, skipped, remark: "ran no test" };
    if (status !== 0 && failed === 0) return { passed, failed: 1, skipped, remark: `exit code ${status}` };
    return { passed, failed, skipped, remark: "" };
  } catch {
    return { passed: 0, failed: 1, skipped: 0, remark: `left no counts, exit code ${status}` };
  }
}

const folder = mkdtempSync(join(tmpdir(), "tideway-test-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

try {
  process.env["CHROMIUM_PATH"] = ensureBrowser();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}

const total = { passed: 0, failed: 0 };
const summary = [];
for (const { name, command } of PARTS) {
  console.log(`\n== ${name} ==`);
  const counts = join(folder, `${name}.json`);
  const start = performance.now();
  const status = await execute(command, { ...process.env, TIDEWAY_COUNTS: counts });
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  const { passed, failed, skipped, remark } = readCounts(counts, status);
  total.passed += passed;
  total.failed += failed;
  const figures = `${passed} passed, ${failed} failed, ${skipped} skipped`;
  summary.push(`${name.padEnd(8)} ${figures}, ${seconds} s${remark && ` (${remark})`}`);
}

console.log("\n== summary ==");
for (const line of summary) console.log(line);
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed > 0 ? 1 : 0;
