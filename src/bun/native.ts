import { NODE_MODULES, type Runtime, toldByDebug } from "../compression/load.ts";
import { nodeModule } from "../compression/node-module.ts";
import type { Bytes } from "../core/bytes.ts";
import { type HashModule, sha256By } from "../security/node-sha256.ts";

/** The environment of Bun. */
interface Environment {
  readonly Bun?: { readonly env: Readonly<Record<string, string | undefined>> };
}

function allowed(): boolean {
  return (globalThis as Environment).Bun?.env["TIDEWAY_NATIVE"] !== "0";
}

/** Everything native that Bun uses for compression: its own zlib and Zstandard. `TIDEWAY_NATIVE=0` turns it off. */
export const BUN: Runtime = {
  allowed,
  native: NODE_MODULES,
  missing: toldByDebug,
};

/**
 * SHA-256 of the `node:crypto` of Bun, at once. `TIDEWAY_NATIVE=0` turns it off.
 * @param native - false: not this one
 * @returns `undefined` where WebCrypto is to be used.
 */
export function nativeSha256(native = true): ((bytes: Bytes) => Bytes) | undefined {
  const crypto = native && allowed() ? nodeModule("node:crypto") : undefined;
  return crypto === undefined ? undefined : sha256By(crypto as HashModule);
}
