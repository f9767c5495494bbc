import { ProtocolError } from "../src/core/errors.ts";

/** Code of the ProtocolError that `run` throws; `none` when it throws nothing. Any other error goes on. */
export function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof ProtocolError) return error.code;
    throw error;
  }
  return "none";
}
