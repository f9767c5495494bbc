import type { CallContext } from "tideway";
import * as v from "valibot";

/** The page's own secret, which it sent when it connected: see `authenticate` in main.ts. */
export function ownerOf({ principal }: Pick<CallContext, "principal">): string {
  return v.parse(v.string(), principal);
}
