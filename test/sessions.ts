import { type AcceptOptions, accept } from "../src/session/accept.ts";
import { type ConnectOptions, connectWith } from "../src/session/connect.ts";
import type { Session } from "../src/session/session.ts";
import { type MemoryPair, memoryPair } from "../src/transports/memory.ts";

/** Both ends of a session over memory. */
export interface SessionPair {
  readonly client: Session;
  readonly server: Session;
  /** Transports of the connections made so far, the newest last. */
  readonly pairs: readonly MemoryPair[];
}

/** What {@link openSessions} is made with. */
export interface SessionPairOptions {
  readonly client?: ConnectOptions;
  readonly server?: AcceptOptions;
}

/** Connect two sessions over memory. A client that connects again gets a new server session. */
export async function openSessions(options: SessionPairOptions = {}): Promise<SessionPair> {
  const pairs: MemoryPair[] = [];
  const servers: Session[] = [];
  const client = await connectWith(async () => {
    const pair = memoryPair();
    pairs.push(pair);
    servers.push(accept(pair.b, options.server));
    return pair.a;
  }, options.client);
  return {
    client,
    pairs,
    get server() {
      return servers.at(-1) as Session;
    },
  };
}

/** Resolves after `ms`. */
export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Resolves when `condition` holds. @throws when it does not in time. */
export async function until(condition: () => boolean, withinMs = 5_000): Promise<void> {
  const end = performance.now() + withinMs;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`Condition did not come true: ${condition}`);
    await sleep(2);
  }
}

/** What `promise` rejects with. @throws when it does not. */
export function failure(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    (value) => {
      throw new Error(`Expected a rejection, got ${JSON.stringify(value)}`);
    },
    (error: unknown) => error,
  );
}

/** A promise with its ends outside. */
export class Deferred<T = void> {
  readonly promise: Promise<T>;
  resolve!: (value: T) => void;
  reject!: (error: unknown) => void;

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }
}

/** Let everything that is under way in this task come to its end. */
export async function settle(rounds = 3): Promise<void> {
  for (let i = 0; i < rounds; i++) await new Promise((resolve) => setImmediate(resolve));
}
