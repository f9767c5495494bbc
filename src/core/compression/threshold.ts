/** What is shorter is not compressed by default, bytes. */
export const DEFAULT_THRESHOLD_BYTES = 128;

/** Bounds of the threshold, bytes. */
const LEAST_BYTES = 64;
const MOST_BYTES = 65_536;

/** @throws {RangeError} when a threshold is out of its bounds. */
export function checkThreshold(bytes: number): void {
  if (!Number.isInteger(bytes) || bytes < LEAST_BYTES || bytes > MOST_BYTES)
    throw new RangeError(
      `Cannot use thresholdBytes ${bytes}: must be a whole number from ${LEAST_BYTES} to ${MOST_BYTES}`,
    );
}
