import { NODE_MODULES, type Runtime, toldByDebug } from "../compression/load.ts";

/** The environment of Deno, where the program may read it. */
interface Environment {
  readonly Deno?: { readonly env: { get(name: string): string | undefined } };
}

function allowed(): boolean {
  try {
    return (globalThis as Environment).Deno?.env.get("TIDEWAY_NATIVE") !== "0";
  } catch {
    return true; // no permission to look
  }
}

/** Everything native that Deno uses for compression: its own zlib and Zstandard. `TIDEWAY_NATIVE=0` turns it off. */
export const DENO: Runtime = { allowed, native: NODE_MODULES, missing: toldByDebug };
