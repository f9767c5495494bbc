import type { VirtualClock } from "./clock.ts";
import type { Place } from "./world.ts";

/** A timer that is so late shows that its process has slept, ms. */
const NOTICED_MS = 1_000;

/** Something that was to be done while a process stood still. */
interface Deferred {
  readonly run: () => void;
  readonly timer: boolean;
}

/** One process of a run, with its connections and applications: it can stand still, and end without a word. */
export class Process implements Place {
  readonly number: number;
  readonly name: string;
  /** It has ended: nothing of it is ever run again. */
  over = false;
  /** When it last woke up from a sleep that its timers notice, ms. */
  wokenAt = 0;
  readonly #clock: VirtualClock;
  #frozenUntil = 0;
  #deferred: Deferred[] = [];

  constructor(clock: VirtualClock, number: number, name: string) {
    this.#clock = clock;
    this.number = number;
    this.name = name;
  }

  /** Whether it stands still. */
  get frozen(): boolean {
    return this.#clock.now() < this.#frozenUntil;
  }

  /**
   * Let it stand still for `ms`: nothing is read, written or timed until then.
   * @param timersFirst - timers that came due meanwhile are called before what has arrived is read
   */
  freeze(ms: number, timersFirst: boolean): void {
    if (this.frozen) return;
    this.#frozenUntil = this.#clock.now() + ms;
    this.#clock.schedule(() => {
      const deferred = this.#deferred;
      this.#deferred = [];
      if (ms > NOTICED_MS) this.wokenAt = this.#clock.now();
      if (timersFirst) deferred.sort((a, b) => Number(b.timer) - Number(a.timer));
      for (const { run } of deferred) this.#run(run);
    }, ms);
  }

  /** Do something as soon as it does not stand still. */
  whenAwake(run: () => void): void {
    if (this.sleeping) this.#deferred.push({ run, timer: false });
    else this.#run(run);
  }

  /** The same for a timer that is due. */
  onTimer(run: () => void): void {
    if (this.sleeping) this.#deferred.push({ run, timer: true });
    else this.#run(run);
  }

  /** Call `run` after `ms`, or when it does not stand still any more. @returns what the clock can cancel. */
  schedule(run: () => void, ms: number): unknown {
    return this.#clock.schedule(() => this.onTimer(run), ms);
  }

  /** Whether what happens has to wait. */
  get sleeping(): boolean {
    return this.frozen || this.#deferred.length > 0;
  }

  #run(run: () => void): void {
    if (!this.over) run();
  }
}
