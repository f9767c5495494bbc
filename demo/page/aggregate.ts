import {
  type ChannelReceiver,
  type ChannelSender,
  createChannel,
  openReceiver,
  openSender,
} from "tideway/channels";
import type { Sample } from "../contract.ts";
import { AGGREGATE, type Aggregate, type Channels, SAMPLES } from "./aggregate-channel.ts";
import { byId, setFigure, setText } from "./dom.ts";
import { formatBytes, formatCount, formatMs, formatPercent } from "./format.ts";

const CAPACITY_BYTES = 65_536;
const REFRESH_MS = 500;
/** Samples that the button sends. */
const BURST = 100_000;
const SCRIPT = "/aggregate-worker.js";

/** The panel of a Worker that aggregates the telemetry, which reaches it through a ring in shared memory. */
export class AggregatePanel {
  readonly #sender: ChannelSender<Sample> | undefined;
  #last: Sample | undefined;
  #lost = 0;

  constructor() {
    const button = byId("burst", HTMLButtonElement);
    if (!globalThis.crossOriginIsolated) {
      setText("ring-hint", "This page is not cross-origin isolated: it has no shared memory.");
      button.disabled = true;
      return;
    }
    const samples = createChannel({ format: SAMPLES, capacityBytes: CAPACITY_BYTES });
    const aggregates = createChannel({ format: AGGREGATE, capacity: 16 });
    this.#sender = openSender(samples, SAMPLES);
    startWorker({ samples, aggregates });
    void this.#show(openReceiver(aggregates, AGGREGATE));
    setInterval(() => this.#showStats(), REFRESH_MS);
    button.addEventListener("click", () => void this.#burst(button));
  }

  /** Pass on a sample. One that finds no room is counted, and dropped. */
  add(sample: Sample): void {
    this.#last = sample;
    if (this.#sender?.trySend(sample) === false) this.#lost++;
  }

  /** Send the last sample many times, as fast as there is room. */
  async #burst(button: HTMLButtonElement): Promise<void> {
    const sender = this.#sender;
    const sample = this.#last;
    if (sender === undefined || sample === undefined) return;
    button.disabled = true;
    const batch = Array.from({ length: 1_000 }, () => sample);
    const start = performance.now();
    for (let sent = 0; sent < BURST; sent += batch.length) await sender.sendBatch(batch);
    const seconds = (performance.now() - start) / 1_000;
    setText(
      "ring-hint",
      `${formatCount(BURST)} samples in ${seconds.toFixed(2)} s: the page waited whenever the ring was full.`,
    );
    button.disabled = false;
  }

  async #show(receiver: ChannelReceiver<Aggregate>): Promise<void> {
    for await (const { count, rate, meanCpu, mostCpu, mostDelayMs } of receiver) {
      setText("ring-count", formatCount(count));
      if (rate > 0) setFigure("ring-rate", formatCount(Math.round(rate / 1_000)), "k/s");
      setText("ring-cpu", `${formatPercent(meanCpu)} % mean, ${formatPercent(mostCpu)} % most`);
      setText("ring-delay", `${formatMs(mostDelayMs)} ms`);
    }
  }

  #showStats(): void {
    if (this.#sender === undefined) return;
    const { depth, highWater, capacity, waits } = this.#sender.stats();
    setFigure("ring-depth", formatBytes(depth), "");
    setText("ring-high", `${formatBytes(highWater)} of ${formatBytes(capacity)}`);
    setText("ring-waits", `${formatCount(waits)} waits, ${formatCount(this.#lost)} dropped`);
  }
}

function startWorker(channels: Channels): void {
  // The policy of the page wants to know who makes URLs of scripts.
  const { trustedTypes } = globalThis as {
    trustedTypes?: { createPolicy(name: string, rules: object): Policy };
  };
  const policy = trustedTypes?.createPolicy("aggregate", { createScriptURL: (url: string) => url });
  const worker = new Worker(policy?.createScriptURL(SCRIPT) ?? SCRIPT, { type: "module" });
  worker.postMessage(channels);
}

interface Policy {
  createScriptURL(url: string): string;
}
