import { execFile } from "node:child_process";
import { readlinkSync } from "node:fs";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Where Linux tells a thread its own number: a link to `<process>/task/<thread>`. */
const OWN_THREAD = "/proc/thread-self";

/** Number that the operating system has for the thread this runs in; `undefined` on other systems than Linux. */
export function ownThread(): number | undefined {
  if (process.platform !== "linux") return undefined;
  try {
    const number = Number(readlinkSync(OWN_THREAD).split("/").at(-1));
    return Number.isSafeInteger(number) ? number : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Keep a thread on one processor, by `taskset` of util-linux.
 * @returns why that was not possible; `undefined` when it was.
 */
export async function pinThread(thread: number | undefined, processor: number): Promise<string | undefined> {
  if (process.platform !== "linux") return `${process.platform} has no taskset`;
  if (thread === undefined) return "the worker does not tell its thread: it must call servePool()";
  try {
    await run("taskset", ["--pid", "--cpu-list", `${processor}`, `${thread}`]);
    return undefined;
  } catch (error) {
    const { code, stderr } = error as { readonly code?: unknown; readonly stderr?: string };
    return code === "ENOENT" ? "taskset is not installed" : (stderr?.trim() ?? String(error));
  }
}
