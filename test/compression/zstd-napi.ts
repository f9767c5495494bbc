import { createRequire } from "node:module";
import type { ZstdNapi } from "../../src/node/native.ts";

const load = createRequire(new URL("../../bench/package.json", import.meta.url));

/**
 * `zstd-napi`, which is compiled where no binary of it can be had: `npm install --prefix bench` does that, and goes on
 * where it cannot. `undefined` where it is not there.
 */
export function findZstdNapi(): ZstdNapi | undefined {
  try {
    return load("zstd-napi/binding") as ZstdNapi;
  } catch {
    return undefined;
  }
}
