import { describe, expect, it } from "vitest";
import { FILE_PACKAGES, FORBIDDEN_NAMES, LAYERS } from "../../scripts/check/rules.mjs";
import {
  findBadImports,
  findCycles,
  findForbiddenNames,
  findUndocumented,
} from "../../scripts/check/sources.mjs";

/** Files by path inside src/. */
function sources(files: Record<string, string>): Map<string, string> {
  return new Map(Object.entries(files));
}

describe("findBadImports()", () => {
  const find = (file: string, text: string): string[] =>
    findBadImports(sources({ [file]: text }), LAYERS, FILE_PACKAGES);

  it("accepts what the table allows", () => {
    expect(find("core/frame.ts", `import { a } from "./varint.ts";`)).toEqual([]);
    expect(find("session/dial.ts", `import type { T } from "../transports/transport.ts";`)).toEqual([]);
    expect(find("transports/tcp.ts", `import type { Socket } from "node:net";`)).toEqual([]);
    expect(
      find("node/listen.ts", `import { createServer } from "node:net";\nimport { W } from "ws";`),
    ).toEqual([]);
    expect(find("core/codecs/msgpack.ts", `import { Encoder } from "@msgpack/msgpack";`)).toEqual([]);
    expect(find("browser/index.ts", `export * from "../rpc/contract.ts";`)).toEqual([]);
  });

  it.each([
    ["core/frame.ts", `import { a } from "../session/dial.ts";`],
    ["core/frame.ts", `import type { A } from "../session/dial.ts";`],
    ["core/frame.ts", `export * from "../rpc/client.ts";`],
    ["core/frame.ts", `export { type A } from "../rpc/client.ts";`],
    ["core/frame.ts", `const load = () => import("../rpc/client.ts");`],
    ["core/frame.ts", `let a: import("../rpc/client.ts").A;`],
    ["core/frame.ts", `import "../rpc/client.ts";`],
    ["core/frame.ts", `import {\n  a, // one\n  b as c,\n} from "node:crypto";`],
    ["core/frame.ts", `import { Encoder } from "@msgpack/msgpack";`],
    ["core/frame.ts", `import { a } from "./varint.js";`],
    ["core/frame.ts", `import { a } from "./varint";`],
    ["core/frame.ts", `import { a } from "../../test/pair.ts";`],
    ["core/frame.ts", `import { a } from "tideway";`],
    ["session/dial.ts", `import { a } from "../transports/websocket.ts";`],
    ["transports/tcp.ts", `import { Socket } from "node:net";`],
    ["transports/tcp.ts", `import { type Socket } from "node:net";`],
    ["transports/websocket.ts", `import { WebSocket } from "ws";`],
    ["transports/tcp.ts", `import type { A } from "../session/dial.ts";`],
    ["browser/index.ts", `import { a } from "../node/index.ts";`],
    ["node/index.ts", `import { a } from "../browser/index.ts";`],
    ["node/index.ts", `import { a } from "fflate";`],
    ["testing/index.ts", `import { a } from "../node/index.ts";`],
    ["misc/index.ts", `export const a = 1;`],
  ])("refuses in %s: %s", (file, text) => {
    expect(find(file, text)).toHaveLength(1);
  });

  it("takes no import from comments, strings, templates and regular expressions", () => {
    const text = [
      `// import { a } from "../session/a.ts";`,
      `/* import { a } from "../session/b.ts"; */`,
      `const a = 'import { a } from "../session/c.ts";';`,
      `const b = \`\${a} import { a } from "../session/d.ts";\`;`,
      `const c = /import "..\\/session/;`,
      `const from = a / 2; const d = { from: "../session/e.ts" };`,
    ].join("\n");
    expect(find("core/frame.ts", text)).toEqual([]);
  });

  it("sees an import inside a template", () => {
    expect(find("core/frame.ts", `const a = \`\${import("../session/a.ts")}\`;`)).toHaveLength(1);
  });

  it("names the line", () => {
    expect(find("core/frame.ts", `/**\n * Text.\n */\n\nimport "../rpc/a.ts";`)[0]).toMatch(
      /^src\/core\/frame\.ts:5: /,
    );
  });
});

describe("findCycles()", () => {
  it("finds a circle of three files", () => {
    const found = findCycles(
      sources({
        "core/a.ts": `import { b } from "./b.ts";`,
        "core/b.ts": `export { c } from "./deep/c.ts";`,
        "core/deep/c.ts": `import { a } from "../a.ts";`,
      }),
    );
    expect(found).toEqual([
      "Cannot import in a circle: src/core/a.ts -> src/core/b.ts -> src/core/deep/c.ts -> src/core/a.ts",
    ]);
  });

  it("finds a file that imports itself", () => {
    expect(findCycles(sources({ "core/a.ts": `import * as a from "./a.ts";` }))).toHaveLength(1);
  });

  it("lets types go round", () => {
    const found = findCycles(
      sources({
        "core/a.ts": `import type { B } from "./b.ts";`,
        "core/b.ts": `import { a } from "./a.ts";`,
      }),
    );
    expect(found).toEqual([]);
  });

  it("accepts two ways to one file", () => {
    const found = findCycles(
      sources({
        "core/a.ts": `import "./b.ts";\nimport "./c.ts";`,
        "core/b.ts": `import "./d.ts";`,
        "core/c.ts": `import "./d.ts";`,
        "core/d.ts": "",
      }),
    );
    expect(found).toEqual([]);
  });
});

describe("findForbiddenNames()", () => {
  const find = (file: string, text: string): string[] =>
    findForbiddenNames(sources({ [file]: text }), FORBIDDEN_NAMES);

  it.each([
    "setTimeout(f, 1);",
    "queueMicrotask(f);",
    "const a = Buffer.alloc(1);",
    "console.log(a);",
    "if (process.env.A) f();",
    "const at = performance.now();",
    "const at = Date.now();",
    "const a = Math.random();",
    "crypto.getRandomValues(a);",
    "globalThis.setTimeout(f, 1);",
    "const a = `$" + "{Date.now()}`;",
    "f(...process.argv);",
    "const a = { crypto };",
  ])("finds in core: %s", (text) => {
    expect(find("core/a.ts", text)).not.toEqual([]);
    expect(find("channels/a.ts", text)).not.toEqual([]);
  });

  it.each([
    "// setTimeout is not for here",
    "/** Buffer, Date.now() */",
    `const a = "console.log";`,
    "this.process();",
    "this.#performance = 1;",
    "const a = Math.floor(1.5);",
    "const date = new Date(ms);",
    "interface A { readonly crypto: string; console: number }",
  ])("accepts in core: %s", (text) => {
    expect(find("core/a.ts", text)).toEqual([]);
  });

  it("keeps what only Node has out of what runs everywhere", () => {
    expect(find("session/a.ts", "setTimeout(f, 1); Buffer.alloc(1);")).toHaveLength(1);
    expect(find("transports/a.ts", "process.nextTick(f);")).toHaveLength(1);
    expect(find("node/a.ts", "process.nextTick(f);")).toEqual([]);
  });
});

describe("findUndocumented()", () => {
  const find = (text: string): string[] => findUndocumented(sources({ "core/a.ts": text }));

  it.each([
    "export const a = 1;",
    "export function f(): void {}",
    "export async function f(): Promise<void> {}",
    "export class A {}",
    "export abstract class A {}",
    "export interface A {}",
    "export type A = 1;",
    "// Text.\nexport const a = 1;",
    "/* Text. */\nexport const a = 1;",
    "/** Text. */\nconst b = 1;\nexport const a = b;",
    "/** Text. */\nexport const a = 1;\nexport const b = 2;",
  ])("finds: %s", (text) => {
    expect(find(text)).toHaveLength(1);
  });

  it.each([
    "/** Text. */\nexport const a = 1;",
    "/**\n * Text.\n */\nexport async function f(): Promise<void> {}",
    "/** Text. */\n// biome-ignore lint: because\nexport type A = 1;",
    "const a = 1;\nexport { a };",
    `export * from "./b.ts";`,
    `export * as b from "./b.ts";`,
    `export { b } from "./b.ts";`,
    `export type { B } from "./b.ts";`,
    "/** Text. */\nexport function f(a: 1): 1;\nexport function f(a: 2): 2;\nexport function f(a: 1 | 2): 1 | 2 {\n  return a;\n}",
  ])("accepts: %s", (text) => {
    expect(find(text)).toEqual([]);
  });
});
