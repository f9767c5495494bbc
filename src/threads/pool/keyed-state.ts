import { inRange } from "./options.ts";

/** How many keys a worker keeps state of. */
export const DEFAULT_MAX_KEYS = 10_000;

/** How {@link KeyedState} works. */
export interface KeyedStateOptions<T> {
  /** Makes the state of a key that has none. */
  create(key: string): T;
  /** Told of state that is let go: its key was not used for the longest time. */
  readonly onEvict?: (key: string, state: T) => void;
  /** Keys that are kept, from 1 to 16,777,216. Default 10,000. */
  readonly maxKeys?: number;
}

/**
 * State that a worker keeps by key. Tasks of one key come to one worker, so nobody else has it; when the pool is
 * resized, a key that moves starts with fresh state at its next worker, and after a crash all keys of a worker do.
 */
export class KeyedState<T> {
  readonly #options: KeyedStateOptions<T>;
  readonly #maxKeys: number;
  /** The one that was not used for the longest time comes first. */
  readonly #states: Map<string, T> = new Map();

  /** @throws {RangeError} when `maxKeys` is out of its bounds. */
  constructor(options: KeyedStateOptions<T>) {
    this.#options = options;
    this.#maxKeys = inRange("maxKeys", options.maxKeys ?? DEFAULT_MAX_KEYS, 1, 16_777_216);
  }

  get size(): number {
    return this.#states.size;
  }

  /** The state of a key; made when there is none. */
  of(key: string): T {
    const states = this.#states;
    const kept = states.has(key);
    const state = kept ? (states.get(key) as T) : this.#options.create(key);
    if (kept) states.delete(key);
    states.set(key, state);
    if (states.size > this.#maxKeys) this.#evict();
    return state;
  }

  /** Forget a key. @returns whether it had state. */
  delete(key: string): boolean {
    return this.#states.delete(key);
  }

  #evict(): void {
    for (const [key, state] of this.#states) {
      this.#states.delete(key);
      this.#options.onEvict?.(key, state);
      return;
    }
  }
}
