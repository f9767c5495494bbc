import type { AsyncWait } from "./wait.ts";

/** The members of an `AbortSignal` that are used. */
export interface SignalLike {
  readonly aborted: boolean;
  readonly reason: unknown;
  addEventListener(type: "abort", listener: () => void, options?: { once?: boolean }): void;
  removeEventListener(type: "abort", listener: () => void): void;
}

/** What can be given up. */
export interface Abortable {
  readonly signal?: SignalLike;
}

/**
 * A promise of what `attempt` gives, made whenever the bell rings.
 * @param attempt - gives `undefined` while there is nothing; what it throws is the end of it
 */
export function abortable<R>(
  waiting: AsyncWait,
  attempt: () => { readonly value: R } | undefined,
  { signal }: Abortable = {},
): Promise<R> {
  if (signal?.aborted) return Promise.reject(signal.reason);
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      waiting.remove(tryOnce);
      reject(signal?.reason);
    };
    const tryOnce = (): boolean => {
      try {
        const found = attempt();
        if (found === undefined) return false;
        resolve(found.value);
      } catch (error) {
        reject(error);
      }
      signal?.removeEventListener("abort", onAbort);
      return true;
    };
    signal?.addEventListener("abort", onAbort, { once: true });
    waiting.add(tryOnce);
  });
}
