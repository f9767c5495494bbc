import { spawn } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { bundleForNode } from "../../scripts/bundle.mjs";
import { CACHE, ROOT } from "../../scripts/paths.mjs";

const PROGRAM = join(CACHE, `cli-${process.pid}.mjs`);

/** Make the program that {@link tideway} runs. */
export async function bundleProgram(): Promise<void> {
  mkdirSync(CACHE, { recursive: true });
  await bundleForNode(join(ROOT, "src", "cli", "main.ts"), PROGRAM);
}

/** Take the program away. */
export function removeProgram(): void {
  rmSync(PROGRAM, { force: true });
}

/** How a run of the program ended. */
export interface Ended {
  readonly status: number | null;
  readonly out: string;
  readonly error: string;
}

/** Run `tideway` in a process of its own. */
export function tideway(...args: readonly string[]): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [PROGRAM, ...args], { timeout: 30_000, killSignal: "SIGKILL" });
    let out = "";
    let error = "";
    child.stdout.on("data", (chunk) => {
      out += chunk;
    });
    child.stderr.on("data", (chunk) => {
      error += chunk;
    });
    child.on("error", reject);
    child.on("close", (status) => resolve({ status, out, error }));
  });
}
