import { spawnSync } from "node:child_process";
import { chromium } from "playwright";
import { ensureBrowser } from "../../../scripts/browser.mjs";
import { bundlePrograms, servePages } from "../../pages.ts";
import { bundle } from "../../runtimes/bundles.ts";
import { findRuntimes } from "../../runtimes/install.ts";
import { NodeThreads } from "./node.ts";
import { doWork, type Work } from "./works.ts";

const PROGRAM = "test/channels/threads/program-web.ts";

const PLACES = { node: inNode, deno: inDeno, bun: inBun, chromium: inChromium };

/** An option that counts something. Ends the process with one line when it is no whole number from 1 on. */
export function countOf(option: string, text: string): number {
  const count = Number(text);
  if (Number.isSafeInteger(count) && count >= 1) return count;
  return refuse(`Cannot use --${option} ${text}: must be a whole number from 1 on`);
}

function refuse(message: string): never {
  console.error(message);
  process.exit(2);
}

/**
 * Do long work in threads of a runtime: `node`, `deno`, `bun` or `chromium`, for any other one ends the process with one
 * line. Prints what came of it.
 * @throws {Error} when something is wrong.
 */
export async function runIn(place: string, work: Work): Promise<void> {
  if (!Object.hasOwn(PLACES, place))
    refuse(`Cannot use --in ${place}: must be one of ${Object.keys(PLACES).join(", ")}`);
  await PLACES[place as keyof typeof PLACES](work);
}

async function inNode(work: Work): Promise<void> {
  const threads = await NodeThreads.make();
  try {
    await doWork(threads, work, console.log);
  } finally {
    threads.remove();
  }
}

function inDeno(work: Work): Promise<void> {
  return inProcess([findRuntimes().deno, "run", "--allow-all", "--no-lock", "--no-config"], work);
}

function inBun(work: Work): Promise<void> {
  return inProcess([findRuntimes().bun], work);
}

async function inProcess([program = "", ...args]: readonly string[], work: Work): Promise<void> {
  const [main, thread] = [
    await bundle("test/channels/threads/work-runtime.ts", "browser"),
    await bundle(PROGRAM, "browser"),
  ];
  const given = [...args, main, `file://${thread}`, JSON.stringify(work)];
  const { status } = spawnSync(program, given, { stdio: "inherit" });
  if (status !== 0) throw new Error(`${program} ended with ${status}`);
}

async function inChromium(work: Work): Promise<void> {
  const scripts = await bundlePrograms(["test/channels/threads/work-page.ts", PROGRAM]);
  const server = await servePages(scripts, ["/work-page.js"]);
  const browser = await chromium.launch({ executablePath: ensureBrowser(), args: ["--no-sandbox"] });
  try {
    const page = await browser.newPage();
    page.on("console", (message) => console.log(message.text()));
    await page.goto(`http://127.0.0.1:${server.port}/isolated`);
    await page.evaluate((given) => window.work(given), work);
  } finally {
    await browser.close();
    server.close();
  }
}
