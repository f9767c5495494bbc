/** The last samples of something, bounded. */
export class Samples {
  readonly #values: number[] = [];
  readonly #most: number;
  /** How many there have been. */
  total = 0;

  /** @param most - that are kept */
  constructor(most: number) {
    this.#most = most;
  }

  add(value: number): void {
    this.#values.push(value);
    if (this.#values.length > this.#most) this.#values.shift();
    this.total++;
  }

  /** Those that are kept, from the least to the most. */
  get sorted(): number[] {
    return [...this.#values].sort((a, b) => a - b);
  }

  /** The last `count` of them. */
  last(count: number): number[] {
    return this.#values.slice(-count);
  }
}

/** The value below which `part` of the sorted samples lie; 0 when there is none. */
export function percentile(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
}
