// The script of the page in which the chart is drawn: the library needs a document.
import * as Plot from "@observablehq/plot";

/** One line of the chart: from the median to the 99th percentile. */
export interface Bar {
  readonly group: string;
  readonly measure: string;
  readonly who: string;
  readonly p50: number;
  readonly p99: number;
}

const WIDTH = 960;
const ROW_HEIGHT = 62;
const TICKS_MS = [0.1, 1, 10, 100];
const COLOURS = ["#0e7490", "#8a8f98"];

/** @returns an SVG document. */
function drawLatencies(bars: Bar[]): string {
  const measures = [...new Set(bars.map(({ measure }) => measure))];
  const common = { fx: "group", fy: "measure", y: "who", stroke: "who" };
  const svg = Plot.plot({
    document,
    width: WIDTH,
    height: measures.length * ROW_HEIGHT + 75,
    marginLeft: 70,
    marginRight: 190,
    marginTop: 40,
    style: { background: "white", color: "#1f2933", fontSize: "12px", fontFamily: "sans-serif" },
    x: {
      type: "log",
      inset: 8,
      label: "ms, from p50 (full) to p99 (hollow)",
      grid: true,
      tickFormat: "~g",
      ticks: TICKS_MS,
    },
    y: { label: null },
    fx: { label: null, domain: [...new Set(bars.map(({ group }) => group))] },
    fy: { label: null, domain: measures },
    color: { domain: ["Tideway", "bare"], range: COLOURS },
    marks: [
      Plot.frame({ stroke: "#d5dbe0" }),
      Plot.ruleY(bars, { ...common, x1: "p50", x2: "p99", strokeWidth: 2 }),
      Plot.dot(bars, { ...common, x: "p50", fill: "who", r: 4 }),
      Plot.dot(bars, { ...common, x: "p99", fill: "white", r: 4 }),
    ],
  });
  svg.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  return svg.outerHTML;
}

declare global {
  interface Window {
    drawLatencies: typeof drawLatencies;
  }
}

window.drawLatencies = drawLatencies;
