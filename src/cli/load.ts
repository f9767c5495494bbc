import { TimeHistogram } from "./latency.ts";

/** How much load, and for how long. */
export interface LoadPlan {
  /** Calls a second over all connections. */
  readonly rate: number;
  readonly durationMs: number;
  /** Most calls under way on one connection; those that are due besides wait, and their time runs. */
  readonly inFlight: number;
  /** Time for the last answers after the schedule is over, ms. */
  readonly drainMs: number;
}

/** Makes one call over one connection; resolves when the answer is there and is right. */
export type MakeCall = () => Promise<unknown>;

/** Counts of a load at one moment. */
export interface LoadCounts {
  /** Calls of the whole schedule, or of the part before it was stopped. */
  readonly scheduled: number;
  readonly sent: number;
  readonly answered: number;
  readonly failed: number;
  /** In the end: due, but neither answered nor failed. */
  readonly unanswered: number;
  /** Failures by code. */
  readonly errors: Readonly<Record<string, number>>;
}

/** Above this a timer is used, below it the event loop is polled: timers are late by up to 1 ms. */
const TIMER_MS = 2;

/** One connection. Its calls are numbers `index`, `index + lines`, `index + 2 * lines` and so on of the schedule. */
interface Line {
  readonly index: number;
  readonly call: MakeCall;
  due: number;
  sent: number;
  inFlight: number;
}

/**
 * Makes calls on a fixed schedule: call k is due at k / rate, whatever became of the calls before it. The latency of a
 * call runs from when it was due, not from when it was sent: a server that stalls for a second delays all calls of that
 * second, and all of them count (no coordinated omission).
 */
export class Load {
  /** From the schedule to the answer. */
  readonly latency: TimeHistogram = new TimeHistogram();
  /** From sending to the answer: what a tester that waits for each answer would see. */
  readonly service: TimeHistogram = new TimeHistogram();
  readonly #plan: LoadPlan;
  readonly #lines: readonly Line[];
  readonly #perMs: number;
  readonly #errors: Record<string, number> = {};
  readonly #pending = new Set<number>();
  #startedAt = 0;
  #total: number;
  #next = 0;
  #sent = 0;
  #answered = 0;
  #failed = 0;
  #unanswered = 0;
  #over = false;
  #finish: () => void = () => {};

  /** @param calls - one for each connection */
  constructor(plan: LoadPlan, calls: readonly MakeCall[]) {
    this.#plan = plan;
    this.#perMs = plan.rate / 1_000;
    this.#total = Math.max(1, Math.round(this.#perMs * plan.durationMs));
    this.#lines = calls.map((call, index) => ({ index, call, due: 0, sent: 0, inFlight: 0 }));
  }

  /** The counts now. */
  get counts(): LoadCounts {
    return {
      scheduled: this.#total,
      sent: this.#sent,
      answered: this.#answered,
      failed: this.#failed,
      unanswered: this.#unanswered,
      errors: this.#errors,
    };
  }

  /** Time since the first call was due, ms. */
  get elapsedMs(): number {
    return this.#startedAt === 0 ? 0 : performance.now() - this.#startedAt;
  }

  /**
   * Keep the schedule until it is over or `signal` is aborted.
   * @returns when all calls have their outcome, or the time for the last answers is over. What is unanswered then
   *   counts with the time that it has waited.
   */
  async run(signal?: AbortSignal): Promise<void> {
    const finished = new Promise<void>((resolve) => {
      this.#finish = resolve;
    });
    this.#startedAt = performance.now();
    const stop = () => {
      this.#total = this.#next;
      this.#endIfDone();
    };
    signal?.addEventListener("abort", stop, { once: true });
    const timer = setTimeout(() => this.#finish(), this.#plan.durationMs + this.#plan.drainMs);
    this.#keepSchedule();
    await finished;
    this.#over = true;
    clearTimeout(timer);
    signal?.removeEventListener("abort", stop);
    this.#countUnanswered();
  }

  #dueAt(call: number): number {
    return this.#startedAt + call / this.#perMs;
  }

  #keepSchedule(): void {
    if (this.#over) return;
    const now = performance.now();
    while (this.#next < this.#total && this.#dueAt(this.#next) <= now) {
      const line = this.#lines[this.#next++ % this.#lines.length] as Line;
      line.due++;
      this.#sendDue(line);
    }
    if (this.#next >= this.#total) return this.#endIfDone();
    const waitMs = this.#dueAt(this.#next) - now;
    if (waitMs > TIMER_MS) setTimeout(() => this.#keepSchedule(), waitMs - TIMER_MS);
    else setImmediate(() => this.#keepSchedule());
  }

  #sendDue(line: Line): void {
    while (!this.#over && line.sent < line.due && line.inFlight < this.#plan.inFlight) {
      void this.#send(line, line.index + this.#lines.length * line.sent++);
    }
  }

  async #send(line: Line, call: number): Promise<void> {
    const sentAt = performance.now();
    line.inFlight++;
    this.#sent++;
    this.#pending.add(call);
    let failure: unknown;
    try {
      await line.call();
    } catch (error) {
      failure = error ?? new Error("Call failed");
    }
    if (this.#over) return;
    const now = performance.now();
    line.inFlight--;
    this.#pending.delete(call);
    if (failure === undefined) {
      this.#answered++;
      this.latency.record(now - this.#dueAt(call));
      this.service.record(now - sentAt);
    } else {
      this.#failed++;
      const code = codeOf(failure);
      this.#errors[code] = (this.#errors[code] ?? 0) + 1;
    }
    this.#sendDue(line);
    this.#endIfDone();
  }

  #endIfDone(): void {
    if (this.#next >= this.#total && this.#answered + this.#failed >= this.#next) this.#finish();
  }

  #countUnanswered(): void {
    const now = performance.now();
    const count = (call: number) => {
      this.#unanswered++;
      this.latency.record(now - this.#dueAt(call));
    };
    for (const call of this.#pending) count(call);
    for (const { index, due, sent } of this.#lines) {
      for (let i = sent; i < due; i++) count(index + this.#lines.length * i);
    }
  }
}

function codeOf(error: unknown): string {
  const { code, name } = error as { readonly code?: unknown; readonly name?: unknown };
  return typeof code === "string" ? code : typeof name === "string" ? name : "Error";
}
