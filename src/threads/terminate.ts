import type { WorkerLike } from "./worker.ts";

/** What hears of the end of each worker. */
const HEARERS: WeakMap<WorkerLike, Set<() => void>> = new WeakMap();

/**
 * Hear of `worker.terminate()`, which no event tells of. Chromium lets a worker that computes go on for 2 s after it, and
 * keep its locks for so long. The method of this one object is wrapped, once, and stays so.
 * @param run - must not throw
 * @returns what ends the hearing.
 */
export function onTerminate(worker: WorkerLike, run: () => void): () => void {
  const hearers = HEARERS.get(worker) ?? wrap(worker);
  hearers.add(run);
  return () => hearers.delete(run);
}

function wrap(worker: WorkerLike): Set<() => void> {
  const hearers: Set<() => void> = new Set();
  HEARERS.set(worker, hearers);
  const { terminate } = worker;
  if (typeof terminate !== "function" || !Object.isExtensible(worker)) return hearers;
  worker.terminate = function (this: WorkerLike, ...given: never[]) {
    const result: unknown = terminate.apply(this, given);
    for (const run of hearers) run();
    return result;
  };
  return hearers;
}
