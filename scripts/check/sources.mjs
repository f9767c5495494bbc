import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, sep } from "node:path";
import { importsOf, scan } from "./scan.mjs";

/**
 * The sources to check: path inside src/ (with `/`) to text.
 * @typedef {ReadonlyMap<string, string>} Sources
 */

/**
 * Read every shipped TypeScript file of a folder.
 * @param {string} folder
 * @returns {Sources}
 */
export function readSources(folder) {
  /** @type {Map<string, string>} */
  const sources = new Map();
  const names = existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: "utf8" }).sort() : [];
  for (const name of names) {
    if (!name.endsWith(".ts") || name.endsWith(".test.ts") || name.endsWith(".d.ts")) continue;
    sources.set(name.split(sep).join("/"), readFileSync(join(folder, name), "utf8"));
  }
  return sources;
}

/** @param {string} file */
const layerOf = (file) => file.split("/")[0] ?? file;

/**
 * The file in src/ that a relative specifier names; "../x" when it leaves src/.
 * @param {string} from
 * @param {string} specifier
 */
function resolveRelative(from, specifier) {
  const parts = from.split("/").slice(0, -1);
  for (const part of specifier.split("/")) {
    if (part === "..") {
      if (parts.length === 0) return specifier;
      parts.pop();
    } else if (part !== ".") parts.push(part);
  }
  return parts.join("/");
}

/**
 * Imports that go against the rule table.
 * @param {Sources} sources
 * @param {typeof import("./rules.mjs").LAYERS} layers
 * @param {typeof import("./rules.mjs").FILE_PACKAGES} filePackages
 * @returns {string[]} one line each
 */
export function findBadImports(sources, layers, filePackages) {
  /** @type {string[]} */
  const problems = [];
  for (const [file, text] of sources) {
    const from = layerOf(file);
    const layer = layers[from];
    if (layer === undefined) {
      problems.push(`src/${file}: Cannot place file: no layer "${from}" in scripts/check/rules.mjs`);
      continue;
    }
    for (const { specifier, typeOnly, line } of importsOf(text)) {
      const refuse = (/** @type {string} */ why) => {
        problems.push(`src/${file}:${line}: Cannot import ${specifier}: ${why}`);
      };
      if (specifier.startsWith(".")) {
        const target = resolveRelative(file, specifier);
        const inside = layerOf(target) === from;
        if (!specifier.endsWith(".ts")) refuse("relative imports end with .ts");
        else if (target.startsWith("..")) refuse("it is outside src/");
        else if (
          !inside &&
          !layer.folders.some((allowed) => target === allowed || layerOf(target) === allowed)
        ) {
          refuse(`${from} may not import it`);
        }
      } else {
        const values = [...(layer.values ?? []), ...(filePackages[file] ?? [])];
        const types = [...values, ...(layer.types ?? [])];
        if (!types.some((allowed) => covers(allowed, specifier))) refuse(`${from} may not import it`);
        else if (!typeOnly && !values.some((allowed) => covers(allowed, specifier))) {
          refuse(`${from} may only \`import type\` from it`);
        }
      }
    }
  }
  return problems;
}

/** @param {string} allowed @param {string} specifier */
function covers(allowed, specifier) {
  if (allowed.endsWith("*")) return specifier.startsWith(allowed.slice(0, -1));
  return specifier === allowed || specifier.startsWith(`${allowed}/`);
}

/**
 * Import cycles among files, leaving out imports of types, which are erased.
 * @param {Sources} sources
 * @returns {string[]} one line a knot of files
 */
export function findCycles(sources) {
  /** @type {Map<string, string[]>} */
  const edges = new Map();
  for (const [file, text] of sources) {
    const targets = importsOf(text)
      .filter(({ specifier, typeOnly }) => !typeOnly && specifier.startsWith("."))
      .map(({ specifier }) => resolveRelative(file, specifier));
    edges.set(file, targets);
  }
  /** Files already left, never in a cycle not yet reported. @type {Set<string>} */
  const done = new Set();
  /** @type {string[]} */
  const path = [];
  /** @type {string[]} */
  const problems = [];
  const visit = (/** @type {string} */ file) => {
    if (done.has(file)) return;
    const start = path.indexOf(file);
    if (start >= 0) {
      const cycle = [...path.slice(start), file].map((name) => `src/${name}`);
      problems.push(`Cannot import in a circle: ${cycle.join(" -> ")}`);
      return;
    }
    path.push(file);
    for (const target of edges.get(file) ?? []) visit(target);
    path.pop();
    done.add(file);
  };
  for (const file of edges.keys()) visit(file);
  return problems;
}

/**
 * Uses of names that a folder may not use. Comments, strings and properties of other objects do not count.
 * @param {Sources} sources
 * @param {Readonly<Record<string, readonly string[]>>} forbidden - by layer; a name or `Object.member`
 * @returns {string[]}
 */
export function findForbiddenNames(sources, forbidden) {
  /** @type {string[]} */
  const problems = [];
  for (const [file, text] of sources) {
    const names = new Set(forbidden[layerOf(file)] ?? []);
    if (names.size === 0) continue;
    const tokens = scan(text).filter((token) => token.kind !== "doc");
    for (const [i, token] of tokens.entries()) {
      if (token.kind !== "word") continue;
      const owner = tokens[i - 1]?.text === "." ? tokens[i - 2] : undefined;
      const isMember = ["#", "."].includes(tokens[i - 1]?.text ?? "") && owner?.text !== "globalThis";
      const isKey =
        tokens[i + 1]?.text === ":" && ["{", ",", ";", "readonly"].includes(tokens[i - 1]?.text ?? "");
      const member = tokens[i + 1]?.text === "." ? `${token.text}.${tokens[i + 2]?.text ?? ""}` : "";
      const found = names.has(token.text) ? token.text : names.has(member) ? member : undefined;
      // `...x` ends in a dot as well, but is no member access.
      const isSpread = tokens[i - 1]?.text === "." && tokens[i - 2]?.text === ".";
      if (found === undefined || (isMember && !isSpread) || isKey) continue;
      problems.push(`src/${file}:${token.line}: Cannot use ${found} in ${layerOf(file)}`);
    }
  }
  return problems;
}

const DECLARES = new Set([
  "declare",
  "abstract",
  "async",
  "const",
  "let",
  "var",
  "function",
  "class",
  "interface",
  "type",
  "namespace",
  "default",
]);

/**
 * Exported declarations without a doc comment. Re-exports need none; of overloads, the first has it.
 * @param {Sources} sources
 * @returns {string[]}
 */
export function findUndocumented(sources) {
  /** @type {string[]} */
  const problems = [];
  for (const [file, text] of sources) {
    const tokens = scan(text);
    /** @type {Set<string>} */
    const documented = new Set();
    for (const [i, token] of tokens.entries()) {
      if (token.kind !== "word" || token.text !== "export" || token.depth !== 0) continue;
      let at = i + 1;
      const isReexport = tokens[at]?.text === "type" && ["{", "*"].includes(tokens[at + 1]?.text ?? "");
      if (isReexport) continue;
      while (DECLARES.has(tokens[at]?.text ?? "")) at++;
      if (at === i + 1) continue;
      const name = tokens[at]?.text ?? "default";
      if (tokens[i - 1]?.kind === "doc") documented.add(name);
      else if (!documented.has(name)) {
        problems.push(`src/${file}:${token.line}: Cannot find a doc comment on ${name}`);
      }
    }
  }
  return problems;
}
