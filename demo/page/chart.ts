import uPlot from "uplot";
import type { Sample } from "../contract.ts";
import { colour } from "./dom.ts";

const SPAN_SECONDS = 30;
/** Samples that lie further apart are not joined by a line, s. */
const GAP_SECONDS = 1;
/** The right scale never shows less, ms. */
const LEAST_DELAY_MS = 10;

interface Point {
  readonly at: number;
  readonly cpu: number | null;
  readonly memory: number | null;
  readonly loopDelay: number | null;
}

/** The last half minute as three lines: CPU and memory in percent, event loop delay in ms. */
export class TelemetryChart {
  readonly #element: HTMLElement;
  #points: Point[] = [];
  #plot: uPlot | undefined;

  constructor(element: HTMLElement) {
    this.#element = element;
    new ResizeObserver(() => this.#plot?.setSize(this.#size)).observe(element);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#build());
    this.#build();
  }

  /** Add a sample at the right end. */
  add({ takenAt, cpu, memoryUsedBytes, memoryTotalBytes, loopDelayMs }: Sample): void {
    const at = takenAt / 1_000;
    const last = this.#points.at(-1)?.at ?? at;
    if (at - last > GAP_SECONDS) this.#points.push({ at: last, cpu: null, memory: null, loopDelay: null });
    const memory = (memoryUsedBytes / memoryTotalBytes) * 100;
    this.#points.push({ at, cpu: cpu * 100, memory, loopDelay: loopDelayMs });
    this.#points = this.#points.filter((point) => at - point.at <= SPAN_SECONDS);
    this.#plot?.setData(this.#data);
  }

  /** Times relative to the last sample: the axis stands still and the lines move. */
  get #data(): uPlot.AlignedData {
    const now = this.#points.at(-1)?.at ?? 0;
    return [
      this.#points.map(({ at }) => at - now),
      this.#points.map(({ cpu }) => cpu),
      this.#points.map(({ memory }) => memory),
      this.#points.map(({ loopDelay }) => loopDelay),
    ];
  }

  get #size(): { readonly width: number; readonly height: number } {
    return { width: this.#element.clientWidth, height: this.#element.clientHeight };
  }

  #build(): void {
    this.#plot?.destroy();
    this.#plot = new uPlot(options(this.#size), this.#data, this.#element);
  }
}

function options(size: { readonly width: number; readonly height: number }): uPlot.Options {
  const text = { stroke: colour("muted"), font: `11px ${colour("sans")}`, ticks: { show: false } };
  const grid = { stroke: colour("line"), width: 1 };
  const line = { width: 1.75, points: { show: false } };
  return {
    ...size,
    padding: [8, 0, 0, 0],
    legend: { show: false },
    cursor: { show: false },
    scales: {
      x: { time: false, range: [-SPAN_SECONDS, 0] },
      percent: { range: [0, 100] },
      delay: { range: (_plot, _least, most) => [0, Math.max(LEAST_DELAY_MS, most * 1.1)] },
    },
    axes: [
      {
        ...text,
        grid: { show: false },
        size: 28,
        splits: () => [-30, -20, -10, 0],
        values: (_plot, splits) => splits.map((seconds) => (seconds === 0 ? "now" : `−${-seconds} s`)),
      },
      {
        ...text,
        grid,
        scale: "percent",
        size: 46,
        splits: () => [0, 25, 50, 75, 100],
        values: (_plot, splits) => splits.map((value) => `${value} %`),
      },
      {
        ...text,
        grid: { show: false },
        scale: "delay",
        side: 1,
        size: 52,
        values: (_plot, splits) => splits.map((value) => `${value} ms`),
      },
    ],
    series: [
      {},
      { ...line, scale: "percent", stroke: colour("cpu"), fill: `${colour("cpu")}1f` },
      { ...line, scale: "percent", stroke: colour("memory") },
      { ...line, scale: "delay", stroke: colour("loop"), dash: [5, 3] },
    ],
  };
}
