import type { Clock } from "../transports/drive.ts";

/** A call that a {@link VirtualClock} has to make. */
interface Call {
  readonly atMs: number;
  readonly order: number;
  run: (() => void) | undefined;
}

/**
 * Time that passes only when it is told to: calls are made in the order of their time, and in the order in which they
 * were scheduled where that is equal. No timer runs.
 */
export class VirtualClock implements Clock {
  /** Calls made so far. */
  steps = 0;
  #now: number;
  #order = 0;
  #waiting = 0;
  /** A binary heap: the earliest call is first. */
  readonly #heap: Call[] = [];

  /** @param startMs - the time at first, ms */
  constructor(startMs = 0) {
    this.#now = startMs;
  }

  /** The time, ms. */
  now(): number {
    return this.#now;
  }

  /** Calls that wait. */
  get waiting(): number {
    return this.#waiting;
  }

  /** When the next call is due, ms; `undefined` when none waits. */
  get nextAt(): number | undefined {
    return this.#first()?.atMs;
  }

  /** Call `run` once, `ms` from now. @returns what {@link cancel} takes. */
  schedule(run: () => void, ms: number): unknown {
    return this.scheduleAt(run, this.#now + Math.max(0, ms));
  }

  /** Call `run` once, at the time `atMs`, or now when that is over. @returns what {@link cancel} takes. */
  scheduleAt(run: () => void, atMs: number): unknown {
    const call: Call = { atMs: Math.max(atMs, this.#now), order: this.#order++, run };
    this.#waiting++;
    this.#heap.push(call);
    this.#rise(this.#heap.length - 1);
    return call;
  }

  /** Forget a call that was not made yet. */
  cancel(handle: unknown): void {
    const call = handle as Call | undefined;
    if (call?.run === undefined) return;
    call.run = undefined;
    this.#waiting--;
  }

  /** Move to the next call and make it. @returns false when none waits. */
  step(): boolean {
    const call = this.#first();
    if (call === undefined) return false;
    this.#dropFirst();
    const run = call.run as () => void;
    call.run = undefined;
    this.#waiting--;
    this.#now = call.atMs;
    this.steps++;
    run();
    return true;
  }

  /** Make every call that is due up to `atMs`, then be at that time. */
  advanceTo(atMs: number): void {
    for (let next = this.#first(); next !== undefined && next.atMs <= atMs; next = this.#first()) this.step();
    this.#now = Math.max(this.#now, atMs);
  }

  /**
   * Make calls until none waits.
   * @param maxSteps - most calls; more than that never come to an end
   * @throws {RangeError} when calls still wait after `maxSteps`.
   */
  runUntilIdle(maxSteps = 1_000_000): void {
    for (let left = maxSteps; this.step(); left--) {
      if (left === 0) throw new RangeError(`Cannot become idle: calls still wait after ${maxSteps} steps`);
    }
  }

  /**
   * Let `ms` pass, with all promises that settle on the way, so that code that awaits goes on at the right time.
   */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    const turns = new Turns();
    await turns.next();
    for (let next = this.nextAt; next !== undefined && next <= end; next = this.nextAt) {
      this.advanceTo(next);
      await turns.next();
    }
    this.#now = Math.max(this.#now, end);
    turns.close();
  }

  #first(): Call | undefined {
    for (let call = this.#heap[0]; call !== undefined; call = this.#heap[0]) {
      if (call.run !== undefined) return call;
      this.#dropFirst();
    }
    return undefined;
  }

  #dropFirst(): void {
    const last = this.#heap.pop() as Call;
    if (this.#heap.length === 0) return;
    this.#heap[0] = last;
    this.#sink();
  }

  #rise(from: number): void {
    const heap = this.#heap;
    const call = heap[from] as Call;
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >>> 1;
      if (!before(call, heap[parent] as Call)) break;
      heap[at] = heap[parent] as Call;
      at = parent;
    }
    heap[at] = call;
  }

  #sink(): void {
    const heap = this.#heap;
    const call = heap[0] as Call;
    let at = 0;
    for (;;) {
      let child = at * 2 + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1] as Call, heap[child] as Call)) child++;
      if (!before(heap[child] as Call, call)) break;
      heap[at] = heap[child] as Call;
      at = child;
    }
    heap[at] = call;
  }
}

function before(a: Call, b: Call): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

/** Waits until every promise job of the task is done: a message to oneself comes after them. */
class Turns {
  readonly #channel: MessageChannel = new MessageChannel();
  #resolve: () => void = () => {};

  constructor() {
    this.#channel.port1.onmessage = () => this.#resolve();
  }

  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#resolve = resolve;
      this.#channel.port2.postMessage(undefined);
    });
  }

  close(): void {
    this.#channel.port1.close();
    this.#channel.port2.close();
  }
}
