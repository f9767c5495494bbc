// The Worker of the telemetry: it sleeps until samples come, parses them and keeps their aggregate.
import { openReceiver, openSender } from "tideway/channels";
import { AGGREGATE, type Channels, SAMPLES } from "./aggregate-channel.ts";

/** Samples that are taken at once. */
const BATCH = 256;
/** Fewer samples in a row than these are too few to tell how fast they were parsed. */
const LEAST_TIMED = 1_000;

globalThis.addEventListener("message", ({ data }: MessageEvent<Channels>) => aggregate(data), { once: true });

function aggregate({ samples, aggregates }: Channels): void {
  const receiver = openReceiver(samples, SAMPLES);
  const sender = openSender(aggregates, AGGREGATE);
  let count = 0;
  let cpu = 0;
  let mostCpu = 0;
  let mostDelayMs = 0;
  let rate = 0;
  for (;;) {
    const batch = receiver.receiveBatchBlocking(BATCH);
    if (batch.length === 0) break; // the page has closed the channel
    const start = performance.now();
    let taken = batch;
    let parsed = 0;
    for (; taken.length > 0; taken = receiver.tryReceiveBatch(BATCH)) {
      parsed += taken.length;
      for (const sample of taken) {
        count++;
        cpu += sample.cpu;
        mostCpu = Math.max(mostCpu, sample.cpu);
        mostDelayMs = Math.max(mostDelayMs, sample.loopDelayMs);
      }
    }
    if (parsed >= LEAST_TIMED) rate = (parsed * 1_000) / (performance.now() - start);
    // The page may be slow: it wants the latest, not all of them.
    sender.trySend({ count, rate, meanCpu: cpu / count, mostCpu, mostDelayMs });
  }
  sender.close();
}
