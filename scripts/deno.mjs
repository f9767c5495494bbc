import { existsSync, readdirSync } from "node:fs";
import { delimiter, join } from "node:path";
import { ROOT } from "./paths.mjs";

/**
 * Where a Deno is: DENO_PATH, the one of the tests, or the first one on the PATH.
 * @returns {string | undefined} `undefined` when there is none
 */
export function findDeno() {
  const given = process.env["DENO_PATH"];
  if (given !== undefined && given !== "") return existsSync(given) ? given : undefined;
  const { PATH = "" } = process.env;
  return [...installedFolders(), ...PATH.split(delimiter)]
    .flatMap((folder) => [join(folder, "deno"), join(folder, "deno.exe")])
    .find((path) => existsSync(path));
}

/**
 * Where npm has put the program itself: its `.bin/deno` is another one that starts it, and hands no signal on.
 * @returns {string[]}
 */
function installedFolders() {
  const folder = join(ROOT, "test/runtimes/node_modules/@deno");
  return existsSync(folder) ? readdirSync(folder).map((kind) => join(folder, kind)) : [];
}

/**
 * Find Deno.
 * @returns {string} its path
 * @throws {Error} of one line, when there is none
 */
export function requireDeno() {
  const found = findDeno();
  if (found !== undefined) return found;
  throw new Error("Cannot find Deno: run npm ci --prefix test/runtimes, or set DENO_PATH to one");
}
