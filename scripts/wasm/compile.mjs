import { readFileSync } from "node:fs";
import { join } from "node:path";
import asc from "assemblyscript/asc";
import { ROOT } from "../paths.mjs";

/**
 * Compile scripts/wasm/lz4.as. The same compiler gives the same bytes.
 * @returns {Promise<Uint8Array>}
 */
export async function compileLz4() {
  /** @type {Uint8Array | undefined} */
  let bytes;
  const { error, stderr } = await asc.main(
    ["lz4.ts", "--outFile", "lz4.wasm", "-O3", "--noAssert", "--runtime", "stub"].concat([
      "--enable",
      "simd",
      "--use",
      "abort=",
      "--initialMemory",
      "1",
    ]),
    {
      readFile: (/** @type {string} */ name) =>
        name === "lz4.ts" ? readFileSync(join(ROOT, "scripts/wasm/lz4.as"), "utf8") : null,
      writeFile: (/** @type {string} */ name, /** @type {string | Uint8Array} */ contents) => {
        if (name === "lz4.wasm" && typeof contents !== "string") bytes = contents;
      },
      listFiles: () => [],
    },
  );
  if (error || bytes === undefined)
    throw new Error(`Cannot compile lz4.as: ${stderr.toString()}`, { cause: error });
  return bytes;
}

/**
 * The source file that holds a module.
 * @param {Uint8Array} bytes
 */
export function moduleText(bytes) {
  const lines =
    Buffer.from(bytes)
      .toString("base64")
      .match(/.{1,100}/g) ?? [];
  return `/** LZ4 in WASM, base64: scripts/wasm/lz4.as, as scripts/wasm/build.mjs has compiled it. */
export const LZ4_WASM: string =
${lines.map((line) => `  "${line}"`).join(" +\n")};
`;
}
