import { ProtocolError } from "../errors.ts";

/** Thrown by encoders when a value does not fit its schema; who called the encoder finds out where and why. */
export const MISFIT: unique symbol = Symbol("value does not fit its schema");

/** Bytes that are not a value of the schema, or pass a limit. */
export function fault(what: string): ProtocolError {
  return new ProtocolError("ERR_DECODE", `Cannot decode schema: ${what}`);
}
