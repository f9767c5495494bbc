import uPlot from "uplot";
import { colour } from "./dom.ts";

const SPAN_SECONDS = 30;
/** The scale never shows less, ms. */
const LEAST_MS = 1;

interface Point {
  readonly at: number;
  readonly websocket: number | null;
  readonly webtransport: number | null;
}

/** The last half minute of both transports as two lines, ms. */
export class ComparisonChart {
  readonly #element: HTMLElement;
  #points: Point[] = [];
  #plot: uPlot | undefined;

  constructor(element: HTMLElement) {
    this.#element = element;
    new ResizeObserver(() => this.#resize()).observe(element);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#build());
  }

  /** Add a point at the right end. */
  add(websocket: number | null, webtransport: number | null): void {
    const at = performance.now() / 1_000;
    this.#points = this.#points.filter((point) => at - point.at <= SPAN_SECONDS);
    this.#points.push({ at, websocket, webtransport });
    this.#plot?.setData(this.#data);
  }

  get #data(): uPlot.AlignedData {
    const now = this.#points.at(-1)?.at ?? 0;
    return [
      this.#points.map(({ at }) => at - now),
      this.#points.map(({ websocket }) => websocket),
      this.#points.map(({ webtransport }) => webtransport),
    ];
  }

  get #size(): { readonly width: number; readonly height: number } {
    return { width: this.#element.clientWidth, height: this.#element.clientHeight };
  }

  #resize(): void {
    if (this.#plot === undefined) this.#build();
    else this.#plot.setSize(this.#size);
  }

  #build(): void {
    this.#plot?.destroy();
    this.#plot = new uPlot(options(this.#size), this.#data, this.#element);
  }
}

function options(size: { readonly width: number; readonly height: number }): uPlot.Options {
  const text = { stroke: colour("muted"), font: `11px ${colour("sans")}`, ticks: { show: false } };
  const line = { width: 1.75, points: { show: false }, scale: "ms" };
  return {
    ...size,
    padding: [8, 16, 0, 0],
    legend: { show: false },
    cursor: { show: false },
    scales: {
      x: { time: false, range: [-SPAN_SECONDS, 0] },
      ms: { range: (_plot, _least, most) => [0, Math.max(LEAST_MS, (most ?? 0) * 1.1)] },
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
        grid: { stroke: colour("line"), width: 1 },
        scale: "ms",
        size: 52,
        values: (_plot, splits) => splits.map((value) => `${value} ms`),
      },
    ],
    series: [
      {},
      { ...line, stroke: colour("websocket") },
      { ...line, stroke: colour("webtransport"), dash: [5, 3] },
    ],
  };
}
