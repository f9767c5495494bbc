import { DEFAULT_DECODE_LIMITS, type DecodeLimits } from "./codec.ts";

/** What no option can pass. Source: docs/protocol.md, section 8. */
export const HARD_DECODE_LIMITS: DecodeLimits = { maxDepth: 128, maxElements: 1_048_576, maxKeys: 4_096 };

/**
 * Defaults with `changes` over them.
 * @throws {RangeError} when a value is not a whole number from 0 to its hard limit.
 */
export function resolveDecodeLimits(changes: Partial<DecodeLimits> = {}): DecodeLimits {
  const limits = { ...DEFAULT_DECODE_LIMITS, ...changes };
  for (const name of Object.keys(HARD_DECODE_LIMITS) as (keyof DecodeLimits)[]) {
    const value = limits[name];
    const most = HARD_DECODE_LIMITS[name];
    if (!Number.isInteger(value) || value < 0 || value > most) {
      throw new RangeError(`Cannot use limit ${name} ${value}: must be a whole number from 0 to ${most}`);
    }
  }
  return limits;
}
