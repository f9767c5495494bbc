import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { builtinModules } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { ROOT, readPackage } from "../paths.mjs";
import { run } from "./run.mjs";
import { importsOf } from "./scan.mjs";

const BIN = join(ROOT, "node_modules", ".bin");

/**
 * Build, pack, and look at the package as its users get it.
 * @returns {Promise<{ note: string, problems: string[] }>}
 */
export async function checkPackage() {
  const built = await run(process.execPath, ["scripts/build.mjs"]);
  if (built.status !== 0) return { note: "build", problems: [built.output] };

  const folder = mkdtempSync(join(tmpdir(), "tideway-pack-"));
  try {
    const packed = await run("npm", ["pack", "--ignore-scripts", "--pack-destination", folder]);
    const tarball = readdirSync(folder).find((name) => name.endsWith(".tgz"));
    if (packed.status !== 0 || tarball === undefined) return { note: "npm pack", problems: [packed.output] };
    const path = join(folder, tarball);

    const problems = [];
    for (const [tool, ...options] of [
      ["publint", path, "--strict"],
      ["attw", path, "--profile", "esm-only"],
    ]) {
      const { status, output } = await run(join(BIN, tool ?? ""), options);
      if (status !== 0) problems.push(`${tool}:\n${output}`);
    }
    problems.push(...(await importPacked(path, folder)), ...findUndeclaredPackages());
    return { note: "npm pack, publint, attw, import", problems };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Unpack the tarball as a dependency and import every entry of `exports` with the Node that runs now.
 * @param {string} tarball
 * @param {string} folder
 * @returns {Promise<string[]>}
 */
async function importPacked(tarball, folder) {
  const { name, exports, dependencies } = readPackage();
  const modules = join(folder, "node_modules");
  const target = join(modules, name);
  mkdirSync(target, { recursive: true });
  const unpacked = await run("tar", ["-xzf", tarball, "-C", target, "--strip-components=1"]);
  if (unpacked.status !== 0) return [`tar:\n${unpacked.output}`];
  for (const dependency of Object.keys(dependencies)) {
    mkdirSync(dirname(join(modules, dependency)), { recursive: true });
    symlinkSync(join(ROOT, "node_modules", dependency), join(modules, dependency), "dir");
  }
  const problems = [];
  for (const subpath of Object.keys(exports).filter((key) => key !== "./package.json")) {
    const specifier = name + subpath.slice(1);
    const code = `const names = Object.keys(await import(${JSON.stringify(specifier)}));
      if (names.length === 0) throw new Error("Cannot find any export");`;
    const { status, output } = await run(process.execPath, ["--input-type=module", "-e", code], folder);
    if (status !== 0) problems.push(`import("${specifier}") from the packed package:\n${output}`);
  }
  return problems;
}

/** Packages that dist/ imports, in JavaScript or in types, without being a dependency. */
function findUndeclaredPackages() {
  const declared = Object.keys(readPackage().dependencies);
  const dist = join(ROOT, "dist");
  const names = existsSync(dist) ? readdirSync(dist, { recursive: true, encoding: "utf8" }) : [];
  const problems = [];
  for (const name of names.filter((file) => /\.(js|d\.ts)$/.test(file))) {
    for (const { specifier } of importsOf(readFileSync(join(dist, name), "utf8"))) {
      const [scope, rest] = specifier.split("/");
      const owner = specifier.startsWith("@") ? `${scope}/${rest}` : (scope ?? "");
      if (specifier.startsWith(".") || specifier.startsWith("node:") || builtinModules.includes(owner))
        continue;
      const types = join("@types", owner);
      const typesMissing =
        name.endsWith(".d.ts") && existsSync(join(ROOT, "node_modules", types)) && !declared.includes(types);
      if (!declared.includes(owner)) problems.push(`dist/${name}: Cannot import ${owner}: not a dependency`);
      else if (typesMissing) problems.push(`dist/${name}: Cannot see ${owner}: ${types} is not a dependency`);
    }
  }
  return problems;
}
