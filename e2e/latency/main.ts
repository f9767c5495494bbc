// Measures latency in a real browser, against the bare API in the same page: npm run latency [-- --quick]
// The full run writes e2e/results/latency.md and its chart; the quick one prints and writes nothing.
import { chromium } from "playwright";
import { ensureBrowser } from "../../scripts/browser.mjs";
import { LAUNCH_OPTIONS } from "../support/launch.ts";
import { FULL_PLAN, measureAll, QUICK_PLAN } from "./measure.ts";
import { writeReport } from "./report.ts";

const quick = process.argv.includes("--quick");
const browser = await chromium.launch({ ...LAUNCH_OPTIONS, executablePath: ensureBrowser() });
try {
  const plan = quick ? QUICK_PLAN : FULL_PLAN;
  const groups = await measureAll(browser, plan, console.log);
  if (!quick) await writeReport(browser, plan, groups);
} finally {
  await browser.close();
}
