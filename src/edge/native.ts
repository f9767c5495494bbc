import { NODE_MODULES, type Runtime, toldByDebug } from "../compression/load.ts";
import { nodeModule } from "../compression/node-module.ts";
import type { Bytes } from "../core/bytes.ts";
import { type HashModule, sha256By } from "../security/node-sha256.ts";

/** The environment of Deno, where the program may read it. */
interface Environment {
  readonly Deno?: {
    readonly env: { get(name: string): string | undefined };
    readonly permissions: {
      querySync(what: { readonly name: "env"; readonly variable: string }): { readonly state: string };
    };
  };
}

const VARIABLE = "TIDEWAY_NATIVE";

/** Looks where it may already: to read without a permission would ask the user for it. */
function allowed(): boolean {
  const { Deno } = globalThis as Environment;
  if (Deno?.permissions.querySync({ name: "env", variable: VARIABLE }).state !== "granted") return true;
  return Deno.env.get(VARIABLE) !== "0";
}

/** Everything native that Deno uses for compression: its own zlib and Zstandard. `TIDEWAY_NATIVE=0` turns it off. */
export const DENO: Runtime = { allowed, native: NODE_MODULES, missing: toldByDebug };

/**
 * SHA-256 of the `node:crypto` of Deno, at once. `TIDEWAY_NATIVE=0` turns it off.
 * @param native - false: not this one
 * @returns `undefined` where WebCrypto is to be used.
 */
export function nativeSha256(native = true): ((bytes: Bytes) => Bytes) | undefined {
  const crypto = native && allowed() ? nodeModule("node:crypto") : undefined;
  return crypto === undefined ? undefined : sha256By(crypto as HashModule);
}
