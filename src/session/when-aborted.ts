/** What waits for each signal, and has one listener there together. */
const WAITING: WeakMap<AbortSignal, Set<() => void>> = new WeakMap();

/**
 * Call `run` when `signal` aborts. However many wait for a signal, it has one listener of ours: Node warns of a leak
 * when there are more than ten.
 * @param signal - one that has aborted before calls nothing
 * @param run - must not throw
 * @returns what ends the waiting.
 */
export function whenAborted(signal: AbortSignal, run: () => void): () => void {
  let waiting = WAITING.get(signal);
  if (waiting === undefined) {
    waiting = new Set();
    WAITING.set(signal, waiting);
    signal.addEventListener("abort", onAbort);
  }
  const own = waiting;
  const each = () => run(); // the same function may wait twice
  own.add(each);
  return () => {
    if (!own.delete(each) || own.size > 0 || WAITING.get(signal) !== own) return;
    WAITING.delete(signal);
    signal.removeEventListener("abort", onAbort);
  };
}

function onAbort(this: AbortSignal): void {
  const waiting = WAITING.get(this);
  WAITING.delete(this);
  this.removeEventListener("abort", onAbort);
  for (const run of waiting ?? []) run();
}
