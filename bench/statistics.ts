/** Whether a smaller or a larger figure is the better one. */
export type Better = "lower" | "higher";

/**
 * The value below which `share` of the samples lie: the nearest rank, so it is always one of the samples.
 * @param samples - in any order; not changed
 * @param share - 0..1
 * @throws {RangeError} when there is no sample.
 */
export function percentile(samples: ArrayLike<number>, share: number): number {
  if (samples.length === 0) throw new RangeError("Cannot take percentile: there is no sample");
  const sorted = Float64Array.from(samples).sort();
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!;
}

/**
 * The middle of the samples; of an even number of them, the mean of the two in the middle.
 * @throws {RangeError} when there is no sample.
 */
export function median(samples: ArrayLike<number>): number {
  if (samples.length === 0) throw new RangeError("Cannot take median: there is no sample");
  const sorted = Float64Array.from(samples).sort();
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** How far the samples lie apart: the range of their middle half, as a share of the median. */
export function spread(samples: ArrayLike<number>): number {
  const range = percentile(samples, 0.75) - percentile(samples, 0.25);
  return range === 0 ? 0 : range / Math.abs(median(samples));
}

/** How many times better `ours` is than `theirs`: above 1 is always a win. */
export function timesBetter(better: Better, ours: number, theirs: number): number {
  return better === "higher" ? ours / theirs : theirs / ours;
}
