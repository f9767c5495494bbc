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

/** How far the samples lie apart: the range of their middle half, as a share of the median; 0 when that is 0. */
export function spread(samples: ArrayLike<number>): number {
  const range = percentile(samples, 0.75) - percentile(samples, 0.25);
  const middle = Math.abs(median(samples));
  return range === 0 || middle === 0 ? 0 : range / middle;
}

/** How many times better `ours` is than `theirs`: above 1 is always a win. */
export function timesBetter(better: Better, ours: number, theirs: number): number {
  return better === "higher" ? ours / theirs : theirs / ours;
}

/** What a comparison of two sets of samples says. */
export type Verdict = "better" | "worse" | "same";

/** A change between two sets of samples. */
export interface Change {
  /** Times better the later samples are, by their medians: above 1 is a gain. */
  readonly timesBetter: number;
  /** How likely a difference like this is when nothing has changed, 0..1. */
  readonly chance: number;
  readonly verdict: Verdict;
}

/** A change of less is never told of: the placing of code and memory alone does as much. */
const LEAST_CHANGE = 0.03;
/** A verdict is given where chance would do the same in fewer cases than this. */
const MOST_CHANCE = 0.05;

/**
 * Whether `after` is better or worse than `before`, or whether what differs is noise: a rank test (Mann-Whitney, exact),
 * which asks nothing of how the samples are distributed. With 5 runs of each, nearly all of the one must lie beyond the
 * other.
 * @throws {RangeError} when there is no sample.
 */
export function compareSamples(better: Better, before: readonly number[], after: readonly number[]): Change {
  const times = timesBetter(better, median(after), median(before));
  const chance = rankTest(before, after);
  const differs = chance < MOST_CHANCE && Math.abs(Math.log(times)) > Math.log(1 + LEAST_CHANGE);
  return { timesBetter: times, chance, verdict: differs ? (times > 1 ? "better" : "worse") : "same" };
}

/** Chance that two sets drawn from one source differ in rank as much as these do, in either direction. */
export function rankTest(a: readonly number[], b: readonly number[]): number {
  let wins = 0;
  for (const x of a) for (const y of b) wins += x > y ? 1 : x === y ? 0.5 : 0;
  const fewest = Math.floor(Math.min(wins, a.length * b.length - wins) + 0.5); // a half counts for the chance
  const ways = rankings(a.length, b.length);
  const all = ways.reduce((sum, count) => sum + count, 0);
  const tail = ways.slice(0, fewest + 1).reduce((sum, count) => sum + count, 0);
  return Math.min(1, (2 * tail) / all);
}

/** In how many orders of `n` and `m` different numbers the first set wins 0, 1, 2 ... of the n * m comparisons. */
function rankings(n: number, m: number): number[] {
  // Orders of i and m numbers, built up number by number: either the largest is of the first set and wins m
  // comparisons, or it is of the second set and wins none.
  let rows: number[][] = Array.from({ length: m + 1 }, () => [1]);
  for (let i = 1; i <= n; i++) {
    const next: number[][] = [[1]];
    for (let j = 1; j <= m; j++) {
      next.push(
        Array.from({ length: i * j + 1 }, (_, wins) => (rows[j]![wins - j] ?? 0) + (next[j - 1]![wins] ?? 0)),
      );
    }
    rows = next;
  }
  return rows[m]!;
}
