import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of the package. */
export const ROOT = fileURLToPath(new URL("..", import.meta.url)).replace(/[/\\]$/, "");

/** Where scripts leave what may be deleted at any time. */
export const CACHE = join(ROOT, "node_modules", ".cache", "tideway");

/**
 * The parsed package.json.
 * @returns {{ name: string, exports: Record<string, unknown>, dependencies: Record<string, string> }}
 */
export function readPackage() {
  return JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
}

/**
 * The source file behind each public specifier ("tideway", "tideway/node", ...), found through `exports`.
 * @param {readonly string[]} conditions - the conditions that hold, for instance `["node", "default"]`
 * @returns {Record<string, string>} specifier to absolute path of the TypeScript file
 */
export function selfImports(conditions) {
  const { name, exports } = readPackage();
  /** @type {Record<string, string>} */
  const found = {};
  for (const [subpath, target] of Object.entries(exports)) {
    const file = pick(target, conditions);
    if (file === undefined || !file.startsWith("./dist/")) continue;
    const source = file.replace(/^\.\/dist\//, "src/").replace(/\.js$/, ".ts");
    found[name + subpath.slice(1)] = join(ROOT, source);
  }
  return found;
}

/**
 * @param {unknown} target
 * @param {readonly string[]} conditions
 * @returns {string | undefined}
 */
function pick(target, conditions) {
  if (typeof target === "string") return target;
  for (const [condition, nested] of Object.entries(target ?? {})) {
    if (conditions.includes(condition)) return pick(nested, conditions);
  }
  return undefined;
}
