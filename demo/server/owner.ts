import { Buffer } from "node:buffer";
import type { CallContext } from "tideway";
import * as v from "valibot";

const LEAST_TOKEN_BYTES = 16;

/**
 * Whom a page is taken for: each makes up a secret that outlives its connections, and its file is kept under it.
 * @throws {Error} when it has none.
 */
export function admitOwner(token: Uint8Array | undefined): string {
  if (token === undefined || token.length < LEAST_TOKEN_BYTES) throw new Error("Cannot let in: no token");
  return Buffer.from(token).toString("base64url");
}

/** The page's own secret, which it sent when it connected: see {@link admitOwner}. */
export function ownerOf({ principal }: Pick<CallContext, "principal">): string {
  return v.parse(v.string(), principal);
}
