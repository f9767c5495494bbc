import { NODE_MODULES, type Runtime, toldByDebug } from "../compression/load.ts";

/** The environment of Bun. */
interface Environment {
  readonly Bun?: { readonly env: Readonly<Record<string, string | undefined>> };
}

/** Everything native that Bun uses for compression: its own zlib and Zstandard. `TIDEWAY_NATIVE=0` turns it off. */
export const BUN: Runtime = {
  allowed: () => (globalThis as Environment).Bun?.env["TIDEWAY_NATIVE"] !== "0",
  native: NODE_MODULES,
  missing: toldByDebug,
};
