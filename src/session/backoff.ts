/** How long to wait between attempts to connect. */
export interface BackoffOptions {
  /** Upper bound of the first wait, ms. */
  readonly minMs: number;
  /** Upper bound of all waits, ms. */
  readonly maxMs: number;
  /** Attempts in a row after which to give up. */
  readonly maxAttempts: number;
}

/** The defaults. */
export const DEFAULT_BACKOFF: BackoffOptions = {
  minMs: 100,
  maxMs: 30_000,
  maxAttempts: Number.POSITIVE_INFINITY,
};

/**
 * Defaults with `changes` over them.
 * @throws {RangeError} when a number is not one that can be waited for.
 */
export function resolveBackoff(changes: Partial<BackoffOptions> = {}): BackoffOptions {
  const {
    minMs = DEFAULT_BACKOFF.minMs,
    maxMs = DEFAULT_BACKOFF.maxMs,
    maxAttempts = DEFAULT_BACKOFF.maxAttempts,
  } = changes;
  for (const [name, value] of Object.entries({ minMs, maxMs, maxAttempts })) {
    if (!(value >= 0)) throw new RangeError(`Cannot use reconnect.${name} ${value}: must be 0 or more`);
  }
  return { minMs, maxMs, maxAttempts };
}

/**
 * Full jitter: a random time between 0 and a bound that doubles with each attempt, so that many clients that lost the
 * same server do not come back at once.
 * @param attempt - attempts that failed so far, 0 first
 * @param random - a number from 0 up to 1
 */
export function backoffMs(
  attempt: number,
  random: number,
  options: BackoffOptions = DEFAULT_BACKOFF,
): number {
  return random * Math.min(options.maxMs, options.minMs * 2 ** Math.min(attempt, 30));
}
