import { cpus, freemem, totalmem } from "node:os";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import type { Sample } from "../contract.ts";

/** The timer that measures the event loop fires this often, ms; what it measures includes that time. */
const RESOLUTION_MS = 10;

/**
 * Readings of the host, the first one after `everyMs`, until `signal` is aborted.
 *
 * A generator runs no faster than its messages leave: a slow reader gets fewer samples, and none is queued for it.
 */
export async function* readTelemetry(everyMs: number, signal: AbortSignal): AsyncGenerator<Sample> {
  const loopDelay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  loopDelay.enable();
  try {
    let before = readCpu();
    for (let sequence = 0; ; sequence++) {
      await sleep(everyMs, undefined, { signal });
      const now = readCpu();
      yield {
        sequence,
        takenAt: Date.now(),
        cpu: (now.busy - before.busy) / Math.max(1, now.total - before.total),
        memoryUsedBytes: totalmem() - freemem(),
        memoryTotalBytes: totalmem(),
        loopDelayMs: Math.max(0, loopDelay.percentile(99) / 1e6 - RESOLUTION_MS),
      };
      loopDelay.reset();
      before = now;
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    loopDelay.disable();
  }
}

/** Time that all processors have spent since they started, ms. */
function readCpu(): { readonly busy: number; readonly total: number } {
  let total = 0;
  let idle = 0;
  for (const { times } of cpus()) {
    total += times.user + times.nice + times.sys + times.irq + times.idle;
    idle += times.idle;
  }
  return { busy: total - idle, total };
}
