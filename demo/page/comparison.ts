import {
  type Client,
  type ConnectOptions,
  client,
  connectWith,
  type Dial,
  type Session,
  WireError,
} from "tideway";
import { api } from "../contract.ts";
import { ComparisonChart } from "./comparison-chart.ts";
import { byId, setFigure, setText } from "./dom.ts";
import { formatCount, formatMs } from "./format.ts";
import { type Routes, TRANSPORT_LABELS, type WebTransportName } from "./routes.ts";
import { percentile, Samples } from "./samples.ts";

const EVERY_MS = 100;
const REFRESH_MS = 500;
const DEADLINE_MS = 5_000;
const RETRY_MS = 2_000;
/** Calls that the percentiles are made of, and those that one point of the chart is the median of. */
const WINDOW = 300;
const POINT_SAMPLES = 10;

/** One transport that is measured, on a session of its own that carries nothing else. */
class Lane {
  readonly name: WebTransportName;
  readonly samples: Samples = new Samples(WINDOW);
  readonly #payload: Uint8Array<ArrayBuffer> = crypto.getRandomValues(new Uint8Array(64));
  #session: Session | undefined;
  #calls: Client<typeof api> | undefined;

  constructor(name: WebTransportName, dial: Dial, options: ConnectOptions) {
    this.name = name;
    void this.#connect(dial, options);
  }

  async #connect(dial: Dial, options: ConnectOptions): Promise<void> {
    while (this.#session === undefined) {
      try {
        this.#session = await connectWith(dial, options);
        this.#calls = client(this.#session, api);
      } catch (error) {
        if (!(error instanceof WireError)) throw error;
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
    addEventListener("pagehide", ({ persisted }) => persisted || void this.#session?.close());
  }

  /** Time one call. Nothing is measured while there is no connection. */
  async probe(): Promise<void> {
    if (this.#session?.state !== "open") return;
    const { reconnects } = this.#session.stats();
    const start = performance.now();
    try {
      await this.#calls?.echo(this.#payload, { deadlineMs: DEADLINE_MS });
    } catch (error) {
      if (error instanceof WireError) return; // lost with its connection, or too late
      throw error;
    }
    if (this.#session.stats().reconnects === reconnects) this.samples.add(performance.now() - start);
  }
}

/** The two transports side by side: a call over each in turn, their percentiles, and how they went lately. */
export class ComparisonPanel {
  readonly #lanes: readonly Lane[];
  readonly #chart: ComparisonChart = new ComparisonChart(byId("comparison-chart", HTMLElement));
  #probing = false;

  /** Without a second transport there is nothing to compare, and the panel is not shown. */
  constructor({ dials }: Routes, options: ConnectOptions) {
    byId("comparison", HTMLElement).hidden = dials.size < 2;
    this.#lanes = dials.size < 2 ? [] : [...dials].map(([name, dial]) => new Lane(name, dial, options));
    if (this.#lanes.length === 0) return;
    setInterval(() => void this.#probe(), EVERY_MS);
    setInterval(() => this.#refresh(), REFRESH_MS);
  }

  /** One after the other: neither is in the way of the other one. */
  async #probe(): Promise<void> {
    if (this.#probing || document.hidden) return;
    this.#probing = true;
    for (const lane of this.#lanes) await lane.probe();
    this.#probing = false;
  }

  #refresh(): void {
    const figures = this.#lanes.map(({ name, samples }) => {
      const { sorted, total } = samples;
      const p50 = percentile(sorted, 0.5);
      const p99 = percentile(sorted, 0.99);
      if (total === 0) return `${TRANSPORT_LABELS[name]} not measured yet`;
      setFigure(`${name}-p50`, formatMs(p50), "ms");
      setFigure(`${name}-p99`, formatMs(p99), "ms");
      setText(`${name}-calls`, formatCount(total));
      return `${TRANSPORT_LABELS[name]} half below ${formatMs(p50)} ms, 99 of 100 below ${formatMs(p99)} ms`;
    });
    byId("comparison-chart", HTMLElement).ariaLabel = `Latency of calls: ${figures.join("; ")}`;
    const [first, second] = this.#lanes.map(({ samples }) => {
      const last = samples.last(POINT_SAMPLES).sort((a, b) => a - b);
      return last.length === 0 ? null : percentile(last, 0.5);
    });
    this.#chart.add(first ?? null, second ?? null);
  }
}
