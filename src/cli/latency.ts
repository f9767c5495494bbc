import { createHistogram, type RecordableHistogram } from "node:perf_hooks";

/** What is said of a set of times, ms. */
export interface TimeSummary {
  readonly count: number;
  readonly min: number;
  readonly mean: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

const HOUR_NS = 3_600_000_000_000;
const NS_PER_MS = 1e6;

/** A high dynamic range histogram of times: three digits from 1 ns to 1 hour, in memory that does not grow. */
export class TimeHistogram {
  readonly #histogram: RecordableHistogram = createHistogram({ lowest: 1, highest: HOUR_NS, figures: 3 });

  /** Count a time. Less than 1 ns counts as 1 ns, more than an hour as an hour. */
  record(ms: number): void {
    this.#histogram.record(Math.min(HOUR_NS, Math.max(1, Math.round(ms * NS_PER_MS))));
  }

  /** How many times were counted. */
  get count(): number {
    return this.#histogram.count;
  }

  /** The time below which `percent` of all lie, ms; 0 when there is none. */
  percentile(percent: number): number {
    return this.count === 0 ? 0 : this.#histogram.percentile(percent) / NS_PER_MS;
  }

  /** Sum up. */
  summary(): TimeSummary {
    const { count, min, mean, max } = this.#histogram;
    const ms = (ns: number) => (count === 0 ? 0 : ns / NS_PER_MS);
    return {
      count,
      min: ms(min),
      mean: ms(mean),
      p50: this.percentile(50),
      p90: this.percentile(90),
      p99: this.percentile(99),
      p999: this.percentile(99.9),
      max: ms(max),
    };
  }

  /** The distribution as text that plotters of HdrHistogram read, in ms. */
  toText(): string {
    const total = this.count;
    const rows = [...this.#histogram.percentiles].map(([percent, ns]) => {
      const share = percent / 100;
      const inverse = share < 1 ? (1 / (1 - share)).toFixed(2) : "inf";
      const value = (ns / NS_PER_MS).toFixed(6);
      return `${value.padStart(16)} ${share.toFixed(12)} ${String(Math.round(share * total)).padStart(10)} ${inverse.padStart(14)}`;
    });
    const heading = "           Value     Percentile TotalCount 1/(1-Percentile)";
    const { mean, max } = this.summary();
    return `${heading}\n\n${rows.join("\n")}\n#[Mean = ${mean.toFixed(6)}, Max = ${max.toFixed(6)}]\n#[Total count = ${total}]\n`;
  }
}

/** A time in a unit that suits it. */
export function formatMs(ms: number): string {
  if (ms >= 1_000) return `${(ms / 1_000).toFixed(2)} s`;
  if (ms >= 1) return `${ms.toFixed(2)} ms`;
  return `${(ms * 1_000).toFixed(0)} us`;
}

/** Summaries as a table with one row each. */
export function formatTimes(rows: Readonly<Record<string, TimeSummary>>): string {
  const columns = ["min", "mean", "p50", "p90", "p99", "p999", "max"] as const;
  const width = Math.max(...Object.keys(rows).map((name) => name.length));
  const heading = ["", ...columns.map((column) => (column === "p999" ? "p99.9" : column).padStart(10))].join(
    " ",
  );
  const lines = Object.entries(rows).map(([name, times]) =>
    [name.padEnd(width), ...columns.map((column) => formatMs(times[column]).padStart(10))].join(" "),
  );
  return [heading.padStart(heading.length + width), ...lines].join("\n");
}
