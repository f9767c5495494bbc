import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { PACKAGES } from "./packages.ts";

const FOLDER = join(PACKAGES, "node_modules", ".cache", "nats-server");
const UNPACKED = join(FOLDER, "usr", "sbin", "nats-server");

/**
 * Path of a nats-server: that of the system, or one that has been unpacked by {@link fetchNatsServer}.
 * @throws {Error} when there is none.
 */
export function findNatsServer(): string {
  if (existsSync(UNPACKED)) return UNPACKED;
  if (run("nats-server", ["--version"])) return "nats-server";
  throw new Error("Cannot find nats-server: it is neither in PATH nor unpacked");
}

/** Unpack the nats-server of Debian where the system has none. Nothing is installed, and no service is started. */
export function fetchNatsServer(): void {
  try {
    findNatsServer();
    return;
  } catch {
    mkdirSync(FOLDER, { recursive: true });
  }
  const download = () => run("apt-get", ["download", "nats-server"], FOLDER);
  if (!download() && !(run("apt-get", ["update"]) && download())) return;
  const archive = readdirSync(FOLDER).find((name) => name.endsWith(".deb"));
  if (archive === undefined) return;
  run("dpkg-deb", ["-x", join(FOLDER, archive), FOLDER]);
  rmSync(join(FOLDER, archive));
}

/** Run a command in silence. @returns whether it could be run and ended with 0. */
function run(command: string, args: readonly string[], cwd?: string): boolean {
  return spawnSync(command, args, { cwd, stdio: "ignore" }).status === 0;
}
