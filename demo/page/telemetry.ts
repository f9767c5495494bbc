import type { Client, Session } from "tideway";
import type { api, Sample } from "../contract.ts";
import { AggregatePanel } from "./aggregate.ts";
import { TelemetryChart } from "./chart.ts";
import { byId, setFigure, setText } from "./dom.ts";
import { formatCount, formatMs, formatPercent } from "./format.ts";
import { keepRunning } from "./session.ts";

const EVERY_MS = 250;

/** The telemetry panel: one subscription, and another one when the session had to start afresh. */
export function showTelemetry(session: Session, calls: Client<typeof api>): Promise<void> {
  const aggregate = new AggregatePanel();
  const chart = new TelemetryChart(byId("chart", HTMLElement));
  let gaps = 0;
  return keepRunning(session, async () => {
    let next = 0;
    for await (const sample of calls.telemetry({ everyMs: EVERY_MS })) {
      if (sample.sequence !== next) setText("gaps", formatCount(++gaps));
      next = sample.sequence + 1;
      showSample(sample);
      chart.add(sample);
      aggregate.add(sample);
    }
  });
}

function showSample({ sequence, cpu, memoryUsedBytes, loopDelayMs }: Sample): void {
  setFigure("cpu", formatPercent(cpu), "%");
  setFigure("memory", (memoryUsedBytes / 2 ** 30).toFixed(1), "GiB");
  setFigure("loop", formatMs(loopDelayMs), "ms");
  setText("sequence", formatCount(sequence));
}
