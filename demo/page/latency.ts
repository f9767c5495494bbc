import { CallError, type Client, type Session } from "tideway";
import type { api } from "../contract.ts";
import { byId, create, setFigure, setText } from "./dom.ts";
import { formatCount, formatMs } from "./format.ts";
import { percentile, Samples } from "./samples.ts";

const EVERY_MS = 50;
const REFRESH_MS = 500;
const DEADLINE_MS = 5_000;
/** Calls that the histogram and the percentiles are made of. */
const WINDOW = 400;
/** Upper bounds of the bars, ms; the last bar has none. */
const BOUNDS_MS = [0.25, 0.35, 0.5, 0.7, 1, 1.4, 2, 2.8, 4, 5.7, 8, 11, 16, 23, 32, 45, 64] as const;

/** The latency panel: calls `echo` 20 times a second, first in line before everything else. */
export class LatencyPanel {
  readonly #session: Session;
  readonly #calls: Client<typeof api>;
  readonly #payload: Uint8Array<ArrayBuffer> = crypto.getRandomValues(new Uint8Array(64));
  readonly #bars: readonly HTMLElement[];
  readonly #samples: Samples = new Samples(WINDOW);
  /** Connections that were lost. */
  #losses = 0;

  constructor(session: Session, calls: Client<typeof api>) {
    this.#session = session;
    this.#calls = calls;
    this.#bars = buildBars(byId("bars", HTMLElement));
    session.addEventListener("statechange", () => {
      if (session.state !== "open") this.#losses++;
    });
    setText("probe-window", formatCount(WINDOW));
    setInterval(() => this.#probe(), EVERY_MS);
    setInterval(() => this.#refresh(), REFRESH_MS);
  }

  /** The next call does not wait for the last one: a slow answer must not hide the slow ones behind it. */
  async #probe(): Promise<void> {
    if (this.#session.state !== "open" || document.hidden) return;
    const losses = this.#losses;
    const start = performance.now();
    try {
      await this.#calls.echo(this.#payload, { priority: 0, deadlineMs: DEADLINE_MS });
    } catch (error) {
      if (error instanceof CallError) return; // lost with its session, or too late
      throw error;
    }
    if (losses !== this.#losses) return; // it has waited for the next connection: nothing to measure
    // Also shows in the timeline of the browser's developer tools.
    const { duration } = performance.measure("echo", { start });
    performance.clearMeasures("echo");
    this.#samples.add(duration);
  }

  #refresh(): void {
    const { sorted, total } = this.#samples;
    if (total === 0) return;
    const p50 = formatMs(percentile(sorted, 0.5));
    const p99 = formatMs(percentile(sorted, 0.99));
    setFigure("p50", p50, "ms");
    setFigure("p99", p99, "ms");
    setText("probes", formatCount(total));

    const counts = countInto(sorted);
    const most = Math.max(...counts);
    for (const [at, bar] of this.#bars.entries()) {
      bar.style.setProperty("--part", `${((counts[at] ?? 0) / most) * 100}%`);
    }
    const label = `Histogram of call latency: half below ${p50} ms, 99 of 100 below ${p99} ms`;
    byId("bars", HTMLElement).ariaLabel = label;
  }
}

function countInto(sorted: readonly number[]): number[] {
  const counts = new Array<number>(BOUNDS_MS.length + 1).fill(0);
  let bar = 0;
  for (const ms of sorted) {
    while (bar < BOUNDS_MS.length && ms > (BOUNDS_MS[bar] ?? 0)) bar++;
    counts[bar] = (counts[bar] ?? 0) + 1;
  }
  return counts;
}

/** One bar for each bound and one beyond; every other one is labelled, and the last. */
function buildBars(into: HTMLElement): HTMLElement[] {
  return [...BOUNDS_MS, Number.POSITIVE_INFINITY].map((bound, at) => {
    const bar = create("div", "", "bar");
    const fill = create("i");
    const label =
      at === BOUNDS_MS.length ? `> ${BOUNDS_MS.at(-1)}` : at % 2 === 0 && bound < 64 ? String(bound) : "";
    bar.append(fill, create("span", label));
    into.append(bar);
    return fill;
  });
}
