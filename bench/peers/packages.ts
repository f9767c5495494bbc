import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../../scripts/paths.mjs";

/** The folder whose package.json has the peers. */
export const PACKAGES = join(ROOT, "bench");
const MODULES = join(PACKAGES, "node_modules");

/** The peers and their versions. */
export function peerVersions(): Readonly<Record<string, string>> {
  const { dependencies } = JSON.parse(readFileSync(join(PACKAGES, "package.json"), "utf8")) as {
    dependencies: Record<string, string>;
  };
  return dependencies;
}

/** Whether what npm has installed is what bench/package.json asks for. */
export function hasPeers(): boolean {
  return Object.entries(peerVersions()).every(([name, version]) => {
    const path = join(MODULES, name, "package.json");
    return (
      existsSync(path) && (JSON.parse(readFileSync(path, "utf8")) as { version: string }).version === version
    );
  });
}

/**
 * Install what bench/package-lock.json says, unless it is there. No script of a package is run.
 * @throws {Error} of one line, when that cannot be done.
 */
export function installPeers(): void {
  if (hasPeers()) return;
  console.error("Installing the peers into bench/node_modules (60 MB, once)");
  // Not `npm ci`: not every registry has the optional packages of other platforms, which it asks for.
  const args = [
    "install",
    "--no-save",
    "--ignore-scripts",
    "--no-audit",
    "--no-fund",
    "--loglevel=error",
    "--fetch-retries=1",
  ];
  const { status, stderr } = spawnSync("npm", args, { cwd: PACKAGES, encoding: "utf8" });
  if (status === 0) return;
  const [reason = "npm ci failed"] = (stderr ?? "").split("\n").filter((line) => line.includes("error"));
  throw new Error(`Cannot install peers: is the npm registry reachable? (${reason.trim()})`);
}
