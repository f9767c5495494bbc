import type { Bytes } from "../core/bytes.ts";
import type { Failure } from "../core/wire/metadata.ts";
import type { Clock } from "../transports/drive.ts";
import { CallError } from "./errors.ts";

/** How a keyed call ended: the bytes of its answer, or its failure. */
export type Outcome =
  | { readonly kind: "answer"; readonly answer: Bytes }
  | { readonly kind: "failure"; readonly failure: Failure };

/** Who runs the handler of a keyed call. */
export interface RunOwner {
  readonly clock: Clock;
  /** Time for a handler whose signal was aborted to settle, ms. */
  readonly callMs: number;
  /** Abort the handler's signal. */
  abort(reason: CallError): void;
}

/**
 * One run of a handler for all calls with its key. The first call runs it, the others join.
 *
 *     wanted     somebody waits for the outcome
 *     orphaned   the last of them lost its session: one may still come back
 *     aborted    nobody comes back: the handler's signal is aborted, and has callMs to settle
 *     settled    the outcome is known, or the run was given up
 */
export class KeyedRun {
  /** What tells its request from others. */
  readonly request: string;
  readonly #owner: RunOwner;
  readonly #onSettled: (outcome: Outcome | undefined, now: number) => void;
  readonly #joined: ((outcome: Outcome | undefined) => void)[] = [];
  #state: "wanted" | "orphaned" | "aborted" | "settled" = "wanted";
  #callers = 1;
  #timer: unknown;

  /** @param onSettled - told the outcome when it is one to keep, otherwise `undefined` */
  constructor(
    request: string,
    owner: RunOwner,
    onSettled: (outcome: Outcome | undefined, now: number) => void,
  ) {
    this.request = request;
    this.#owner = owner;
    this.#onSettled = onSettled;
  }

  /** Whether the handler's signal was aborted. */
  get aborted(): boolean {
    return this.#state === "aborted";
  }

  /** Whether the outcome is known, or the run was given up. */
  get settled(): boolean {
    return this.#state === "settled";
  }

  /** Wait for the outcome too. @returns `undefined` when the run was given up without one. */
  join(): Promise<Outcome | undefined> {
    this.#callers++;
    if (this.#state === "orphaned") {
      this.#clearTimer();
      this.#state = "wanted";
    }
    return new Promise((resolve) => this.#joined.push(resolve));
  }

  /**
   * A caller does not wait any longer.
   * @param patienceMs - how long another one may come for it; 0 when none will
   */
  leave(reason: CallError, patienceMs: number): void {
    this.#callers--;
    if (this.#callers > 0 || this.#state !== "wanted") return;
    if (patienceMs > 0) {
      this.#state = "orphaned";
      this.#schedule(() => this.#abort(lonely()), patienceMs);
    } else this.#abort(reason);
  }

  /**
   * The handler is done.
   * @param keep - whether repeats get the same outcome
   */
  settle(outcome: Outcome, keep: boolean): void {
    // Who joined a run that was given up gets one of its own.
    this.#settle(outcome, keep, keep || !this.aborted);
  }

  /** There is no outcome, and will be none. */
  giveUp(): void {
    this.#settle(undefined, false, false);
  }

  #settle(outcome: Outcome | undefined, keep: boolean, tell: boolean): void {
    if (this.#state === "settled") return;
    this.#state = "settled";
    this.#clearTimer();
    this.#onSettled(keep ? outcome : undefined, this.#owner.clock.now());
    for (const resolve of this.#joined.splice(0)) resolve(tell ? outcome : undefined);
  }

  #abort(reason: CallError): void {
    this.#state = "aborted";
    this.#schedule(() => this.giveUp(), this.#owner.callMs);
    this.#owner.abort(reason);
  }

  #schedule(run: () => void, ms: number): void {
    this.#timer = this.#owner.clock.schedule(run, ms);
  }

  #clearTimer(): void {
    if (this.#timer !== undefined) this.#owner.clock.cancel(this.#timer);
    this.#timer = undefined;
  }
}

function lonely(): CallError {
  return new CallError("ERR_DEADLINE", "ERR_DEADLINE", "No caller came back for the answer in time");
}
