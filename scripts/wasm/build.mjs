// Compiles the WASM modules of the package: node scripts/wasm/build.mjs
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../paths.mjs";
import { compileLz4, moduleText } from "./compile.mjs";

writeFileSync(join(ROOT, "src/compression/lz4-wasm-bytes.ts"), moduleText(await compileLz4()));
