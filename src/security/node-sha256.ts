import type { Bytes } from "../core/bytes.ts";

/** The part of `node:crypto` that is used; Deno and Bun have it too. */
export interface HashModule {
  createHash(name: "sha256"): { update(bytes: Uint8Array): { digest(): Uint8Array } };
}

/** SHA-256 at once, which WebCrypto gives only in a later task. */
export function sha256By(module: HashModule): (bytes: Bytes) => Bytes {
  return (bytes) => new Uint8Array(module.createHash("sha256").update(bytes).digest());
}
