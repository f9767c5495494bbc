import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bundleForNode } from "../../scripts/bundle.mjs";
import { CACHE, ROOT } from "../../scripts/paths.mjs";
import { type Fence, fencesOf, readFences } from "./fences.ts";

const FOLDER = join(CACHE, `snippets-${process.pid}`);
const RUN_MS = 20_000;

/** A block with the name of its file. */
interface Snippet extends Fence {
  readonly file: string;
  readonly title: string;
}

const snippets: Snippet[] = readFences(ROOT)
  .filter(({ use }) => use !== "ignore")
  .map((fence, index) => ({ ...fence, file: `${index}.ts`, title: `${fence.document}:${fence.line}` }));

/** Write each block as a module of its own and check all of them. @returns what the compiler says, by file */
function checkTypes(
  folder: string,
  blocks: readonly { file: string; code: string }[],
): Map<string, string[]> {
  mkdirSync(folder, { recursive: true });
  for (const { file, code } of blocks) writeFileSync(join(folder, file), `${code}\nexport {};\n`);
  const config = {
    extends: join(ROOT, "tsconfig.json"),
    compilerOptions: {
      noUnusedLocals: false,
      noUnusedParameters: false,
      typeRoots: [join(ROOT, "node_modules/@types")],
    },
    files: blocks.map(({ file }) => file),
    include: [],
    exclude: [],
  };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
  const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
  const { stdout, status } = spawnSync(process.execPath, [tsc, "-p", folder, "--pretty", "false"], {
    cwd: folder,
    encoding: "utf8",
  });
  const found = new Map<string, string[]>();
  for (const line of stdout.split("\n").filter((text) => text.trim() !== "")) {
    const file = /^(\d+\.ts)\(/.exec(line)?.[1] ?? "";
    found.set(file, [...(found.get(file) ?? []), line]);
  }
  if (status !== 0 && found.size === 0) found.set("", [`tsc ended with ${status}`]);
  return found;
}

/** Run a block in a Node of its own. @returns its exit code (`null` when it had to be ended) and its output */
async function runSnippet(folder: string, file: string): Promise<{ status: number | null; output: string }> {
  const bundle = join(folder, `${file}.mjs`);
  await bundleForNode(join(folder, file), bundle);
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ["--enable-source-maps", bundle], {
      timeout: RUN_MS,
      killSignal: "SIGKILL",
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk) => {
        output += chunk;
      });
    }
    child.on("error", reject);
    child.on("close", (status) => resolve({ status, output }));
  });
}

afterAll(() => rmSync(FOLDER, { recursive: true, force: true }));

describe("documents", () => {
  let found = new Map<string, string[]>();
  beforeAll(() => {
    if (snippets.length > 0) found = checkTypes(FOLDER, snippets);
  }, 60_000);

  it("have blocks that compile, as far as the package itself goes", () => {
    expect(found.get("") ?? []).toEqual([]);
  });

  for (const { title, file } of snippets) {
    it(`${title} compiles`, () => {
      expect(found.get(file) ?? []).toEqual([]);
    });
  }

  for (const { title, file } of snippets.filter(({ use }) => use === "run")) {
    it(`${title} runs`, { timeout: RUN_MS + 10_000 }, async () => {
      const { status, output } = await runSnippet(FOLDER, file);
      expect({ status, output: status === 0 ? "" : output }).toEqual({ status: 0, output: "" });
    });
  }
});

describe("this test", () => {
  it("finds the blocks of a document", () => {
    const text =
      "Text\n\n```ts\na;\n```\n\n```js\nb;\n```\n\n- item\n  ```ts run\n  c;\n  ```\n\n```ts ignore\nd;\n```\n";
    expect(fencesOf("a.md", text)).toEqual([
      { document: "a.md", line: 4, use: "check", code: "a;\n" },
      { document: "a.md", line: 13, use: "run", code: "c;\n" },
      { document: "a.md", line: 17, use: "ignore", code: "d;\n" },
    ]);
    expect(() => fencesOf("a.md", "```ts rnu\na;\n```\n")).toThrow(SyntaxError);
  });

  it("notices a block that does not compile", () => {
    const blocks = [
      { file: "0.ts", code: `const a: number = "text";` },
      { file: "1.ts", code: `import { join } from "node:path";\njoin("a");` },
    ];
    const problems = checkTypes(join(FOLDER, "planted"), blocks);
    expect(problems.get("0.ts")?.join()).toMatch(/TS2322/);
    expect(problems.get("1.ts")).toBeUndefined();
  }, 30_000);

  it("notices a block that fails when it runs", async () => {
    const folder = join(FOLDER, "failing");
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "0.ts"), `const n: number = 1;\nthrow new Error(\`seen \${n}\`);`);
    const { status, output } = await runSnippet(folder, "0.ts");
    expect(status).toBe(1);
    expect(output).toMatch(/seen 1/);
  }, 30_000);
});
