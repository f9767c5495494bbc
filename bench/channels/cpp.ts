import { execFile, spawnSync } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { CACHE, ROOT } from "../../scripts/paths.mjs";
import type { Work } from "../harness.ts";

let binary: string | undefined;

/** Compile the ring in C++. @returns whether there is a compiler. */
function compile(): string | undefined {
  if (binary !== undefined) return binary;
  mkdirSync(CACHE, { recursive: true });
  const path = join(CACHE, `bench-spsc-${process.pid}`);
  const source = join(ROOT, "bench/channels/spsc.cpp");
  const { status } = spawnSync("g++", ["-O3", "-std=c++17", "-pthread", "-o", path, source], {
    stdio: "inherit",
  });
  if (status !== 0) return undefined;
  process.on("exit", () => rmSync(path, { force: true }));
  binary = path;
  return path;
}

/** The ring in C++, compiled here; `undefined` where there is no `g++`. */
export function cppRing(bytes: number, batch: number, capacity: number): Work | undefined {
  const path = compile();
  if (path === undefined) return undefined;
  return async (count) => {
    const { stdout } = await promisify(execFile)(path, [bytes, count, batch, capacity].map(String));
    return Number(stdout);
  };
}
