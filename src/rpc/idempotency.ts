import { Queue } from "../core/queue.ts";
import { identityOf } from "../session/identity.ts";
import { KeyedRun, type Outcome, type RunOwner } from "./keyed-run.ts";

/** What an {@link IdempotencyWindow} can be made with. */
export interface IdempotencyOptions {
  /** How long an outcome is kept after the handler settled, ms. */
  readonly keepMs: number;
  /** Calls that are known at a time, those that run included. */
  readonly maxEntries: number;
  /** Bytes of all that is kept: encoded answers and failures, with what they are found by. */
  readonly maxBytes: number;
  /**
   * Text by which the callers are told apart, from `session.principal`; `undefined` when it cannot be told: the call
   * then runs as one without a key. It must be the same for one caller in all its sessions.
   */
  readonly identify: (principal: unknown) => string | undefined;
}

/** What an {@link IdempotencyWindow} has done so far. */
export interface IdempotencyCounters {
  /** Outcomes that were kept. */
  readonly stored: number;
  /** Calls that were answered with a kept outcome. */
  readonly replayed: number;
  /** Calls that waited for the run of another one. */
  readonly joined: number;
  /** Outcomes that were dropped for room. */
  readonly evicted: number;
  /** Outcomes that were dropped for their age. */
  readonly expired: number;
  /** Calls whose key had been used with another request. */
  readonly conflicts: number;
}

/** What a keyed call finds. */
export type Found =
  /** Nothing: it runs the handler, and settles this run. */
  | { readonly kind: "run"; readonly run: KeyedRun }
  /** The handler runs for another call. */
  | { readonly kind: "join"; readonly run: KeyedRun }
  /** The handler has run. */
  | { readonly kind: "replay"; readonly outcome: Outcome }
  /** Its key was used with another request. */
  | { readonly kind: "conflict" }
  /** As many handlers run as may be known. */
  | { readonly kind: "full" };

interface Kept {
  readonly id: string;
  readonly request: string;
  readonly outcome: Outcome;
  readonly bytes: number;
  readonly expiresAt: number;
}

/** The defaults of {@link IdempotencyOptions}. */
export const DEFAULT_IDEMPOTENCY: IdempotencyOptions = {
  keepMs: 600_000,
  maxEntries: 10_000,
  maxBytes: 16_777_216,
  identify: identityOf,
};

/**
 * What the calls with an idempotency key have given: a repeat is answered from here, or waits for the run that is under
 * way, and the handler runs once. It lies in memory, and one service shares it between its sessions.
 *
 * Bounded in time, number and bytes: the oldest outcomes go first, when a call or an outcome comes. Only an answer
 * longer than `maxBytes` is never kept. All sessions that use it must have the same clock.
 */
export class IdempotencyWindow {
  /** The options, with every default filled in. */
  readonly options: IdempotencyOptions;
  readonly #running: Map<string, KeyedRun> = new Map();
  readonly #kept: Map<string, Kept> = new Map();
  /** In the order in which they were kept, which is that in which they expire: finding a map's oldest entry is slow. */
  readonly #order: Queue<Kept> = new Queue();
  readonly #counters = { stored: 0, replayed: 0, joined: 0, evicted: 0, expired: 0, conflicts: 0 };
  #bytes = 0;

  /** @throws {RangeError} when a bound is not a positive number. */
  constructor(options: Partial<IdempotencyOptions> = {}) {
    this.options = { ...DEFAULT_IDEMPOTENCY, ...options };
    for (const name of ["keepMs", "maxEntries", "maxBytes"] as const) {
      if (!(this.options[name] > 0)) {
        throw new RangeError(`Cannot keep answers: ${name} is ${this.options[name]}, expected more than 0`);
      }
    }
  }

  /** What it has done so far. */
  get counters(): IdempotencyCounters {
    return { ...this.#counters };
  }

  /** Calls that are known: those that run, and those whose outcome is kept. */
  get size(): number {
    return this.#running.size + this.#kept.size;
  }

  /** Bytes that are kept. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Look for a call. For the server.
   * @param id - its caller, method and key
   * @param request - what tells its request from others
   * @param owner - who runs the handler when there is no other run
   */
  enter(id: string, request: string, owner: RunOwner): Found {
    this.#expire(owner.clock.now());
    const run = this.#running.get(id);
    const kept = this.#kept.get(id);
    const known = run ?? kept;
    if (known !== undefined && known.request !== request) {
      this.#counters.conflicts++;
      return { kind: "conflict" };
    }
    if (run !== undefined) {
      this.#counters.joined++;
      return { kind: "join", run };
    }
    if (kept !== undefined) {
      this.#counters.replayed++;
      return { kind: "replay", outcome: kept.outcome };
    }
    return this.#begin(id, request, owner);
  }

  #begin(id: string, request: string, owner: RunOwner): Found {
    if (this.size >= this.options.maxEntries && !this.#evict()) return { kind: "full" };
    const run = new KeyedRun(request, owner, (outcome, now) => {
      this.#running.delete(id);
      if (outcome !== undefined) this.#keep(id, request, outcome, now);
    });
    this.#running.set(id, run);
    return { kind: "run", run };
  }

  #keep(id: string, request: string, outcome: Outcome, now: number): void {
    this.#expire(now);
    const bytes = id.length + bytesOf(outcome);
    if (bytes > this.options.maxBytes) {
      this.#counters.evicted++;
      return;
    }
    while (this.#bytes + bytes > this.options.maxBytes) this.#evict();
    const kept: Kept = { id, request, outcome, bytes, expiresAt: now + this.options.keepMs };
    this.#kept.set(id, kept);
    this.#order.push(kept);
    this.#bytes += bytes;
    this.#counters.stored++;
  }

  /** Drop the oldest outcome for room. @returns false when none is kept. */
  #evict(): boolean {
    if (this.#order.length === 0) return false;
    this.#dropOldest();
    this.#counters.evicted++;
    return true;
  }

  #expire(now: number): void {
    while ((this.#order.peek()?.expiresAt ?? Number.POSITIVE_INFINITY) <= now) {
      this.#dropOldest();
      this.#counters.expired++;
    }
  }

  #dropOldest(): void {
    const { id, bytes } = this.#order.shift() as Kept;
    this.#kept.delete(id);
    this.#bytes -= bytes;
  }
}

function bytesOf(outcome: Outcome): number {
  if (outcome.kind === "answer") return outcome.answer.length;
  const { name = "", message = "", details } = outcome.failure;
  return name.length + message.length + (details?.length ?? 0);
}
