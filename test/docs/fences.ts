import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, sep } from "node:path";

/** One block of TypeScript in a document. */
export interface Fence {
  /** The document, from the top of the package. */
  readonly document: string;
  /** The line of its first line of code, from 1. */
  readonly line: number;
  /** What is done with it besides nothing ("ignore"). */
  readonly use: "check" | "run" | "ignore";
  readonly code: string;
}

/** README.md and everything under docs/. */
export function listDocuments(root: string): string[] {
  const docs = join(root, "docs");
  const names = existsSync(docs) ? readdirSync(docs, { recursive: true, encoding: "utf8" }) : [];
  const documents = names
    .filter((name) => name.endsWith(".md"))
    .map((name) => join("docs", name))
    .sort();
  return existsSync(join(root, "README.md")) ? ["README.md", ...documents] : documents;
}

/** The blocks that begin with ```ts, ```ts run or ```ts ignore. */
export function fencesOf(document: string, text: string): Fence[] {
  const fences: Fence[] = [];
  const pattern = /^([ \t]*)(`{3,})(?:ts|typescript)(?:[ \t]+(\S+))?[ \t]*\n([\s\S]*?)^\1\2[ \t]*$/gm;
  for (const { index, 1: indent = "", 3: tag, 4: code = "" } of text.matchAll(pattern)) {
    if (tag !== undefined && tag !== "run" && tag !== "ignore") {
      throw new SyntaxError(
        `Cannot use block tagged "${tag}" in ${document}: only "run" and "ignore" are known`,
      );
    }
    fences.push({
      document: document.split(sep).join("/"),
      line: text.slice(0, index).split("\n").length + 1,
      use: tag ?? "check",
      code: code.replaceAll(new RegExp(`^${indent}`, "gm"), ""),
    });
  }
  return fences;
}

/** Every block of every document. */
export function readFences(root: string): Fence[] {
  return listDocuments(root).flatMap((document) =>
    fencesOf(document, readFileSync(join(root, document), "utf8")),
  );
}
