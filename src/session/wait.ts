import { whenAborted } from "./when-aborted.ts";

/** The ends of a promise that somebody waits for. */
export interface Waiter<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * A promise whose ends stand in `list`; an abort takes them out again.
 * @param entry - what stands in the list for it
 * @param onRemoved - called after an abort
 */
export function wait<T, W extends Waiter<T>>(
  entry: (waiter: Waiter<T>) => W,
  list: W[],
  signal: AbortSignal | undefined,
  onRemoved?: () => void,
): Promise<T> {
  if (signal === undefined) return new Promise((resolve, reject) => list.push(entry({ resolve, reject })));
  if (signal.aborted) return Promise.reject(signal.reason);
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      list.splice(list.indexOf(waiter), 1);
      reject(signal.reason);
      onRemoved?.();
    };
    const waiter = entry({
      resolve: (value) => {
        stopWaiting();
        resolve(value);
      },
      reject: (error) => {
        stopWaiting();
        reject(error);
      },
    });
    list.push(waiter);
    const stopWaiting = whenAborted(signal, onAbort);
  });
}
