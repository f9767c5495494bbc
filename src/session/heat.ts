import { messageOf, TransportError } from "../core/errors.ts";
import type { Transport, TransportName } from "../transports/transport.ts";
import type { Dial, Greeting } from "./dialing.ts";
import { whenAborted } from "./when-aborted.ts";

/** A way to the server. */
export interface Contender {
  readonly name: TransportName;
  readonly dial: Dial;
}

/** How a contender did in a race. */
export interface ContenderResult {
  readonly name: TransportName;
  readonly outcome: "won" | "lost" | "failed";
  /** When it was started, and when it was over, ms after the race began; both the same for one that was not needed. */
  readonly startedMs: number;
  readonly endedMs: number;
  /** When its transport was open, ms after the race began; nothing for one that never was. */
  readonly openedMs?: number | undefined;
  /** Why it failed. */
  readonly error?: unknown;
}

/**
 * How long a server may leave a HELLO unanswered that carries a session on, while another transport is open, ms. Then
 * that one asks: both at a time would tear the session between them.
 */
const ANSWER_MS = 1_500;

type Place = 0 | 1;

/** One contender in one race. */
interface Runner {
  readonly place: Place;
  readonly contender: Contender;
  readonly abort: AbortController;
  startedMs?: number;
  openedMs?: number;
  endedMs?: number;
  error?: unknown;
  /** Open, while another one has the session to itself. */
  waiting?: Transport;
  /** It has said HELLO. */
  greeting: boolean;
}

/** One race of two contenders: the first one wins whose HELLO is answered, and the other one is closed. */
export class Heat {
  /** Resolves when the connection of the winner is open. */
  readonly result: Promise<void>;
  readonly #runners: readonly [Runner, Runner];
  readonly #greeting: Greeting;
  readonly #began: number;
  readonly #onWin: (winner: TransportName, results: readonly ContenderResult[]) => void;
  readonly #timers: unknown[] = [];
  #resolve!: () => void;
  #reject!: (error: unknown) => void;
  /** There is a winner, or nobody can win any more. */
  #over = false;

  /**
   * @param delays - when each contender starts, ms; sooner when the other one fails
   * @param onWin - called when a HELLO was answered
   */
  constructor(
    contenders: readonly [Contender, Contender],
    delays: readonly [number, number],
    greeting: Greeting,
    signal: AbortSignal,
    onWin: (winner: TransportName, results: readonly ContenderResult[]) => void,
  ) {
    this.#greeting = greeting;
    this.#began = greeting.clock.now();
    this.#onWin = onWin;
    this.#runners = [newRunner(0, contenders[0]), newRunner(1, contenders[1])];
    const onAbort = () => this.#stop(signal.reason);
    this.result = new Promise<void>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    }).finally(whenAborted(signal, onAbort));
    if (signal.aborted) onAbort();
    for (const runner of this.#runners) {
      const delay = delays[runner.place];
      if (this.#over || delay === 0) this.#start(runner);
      else this.#schedule(() => this.#start(runner), delay);
    }
  }

  get #elapsed(): number {
    return this.#greeting.clock.now() - this.#began;
  }

  #schedule(run: () => void, ms: number): void {
    this.#timers.push(this.#greeting.clock.schedule(run, ms));
  }

  #start(runner: Runner): void {
    if (this.#over || runner.startedMs !== undefined) return;
    runner.startedMs = this.#elapsed;
    const { contender, abort } = runner;
    (async () => contender.dial(abort.signal))().then(
      (transport) => this.#opened(runner, transport),
      (error: unknown) => this.#failed(runner, error),
    );
  }

  #opened(runner: Runner, transport: Transport): void {
    if (this.#over || runner.endedMs !== undefined) return transport.close(1_000, "");
    runner.openedMs = this.#elapsed;
    const other = this.#other(runner);
    if (!this.#greeting.exclusive || !other.greeting) return this.#greet(runner, transport);
    runner.waiting = transport;
    this.#limitAnswer(other);
  }

  #limitAnswer(runner: Runner): void {
    const left = Math.max(0, (runner.openedMs ?? 0) + ANSWER_MS - this.#elapsed);
    const silent = new TransportError(`Cannot use ${runner.contender.name}: no answer in ${ANSWER_MS} ms`);
    this.#schedule(() => {
      runner.abort.abort(silent);
      this.#failed(runner, silent);
    }, left);
  }

  #greet(runner: Runner, transport: Transport): void {
    runner.greeting = true;
    const { startedMs = 0, openedMs = 0, place, abort } = runner;
    const dialed = { transport, index: place, dialMs: openedMs - startedMs };
    this.#greeting
      .greet(dialed, abort.signal, () => this.#won(runner))
      .then(this.#resolve, (error: unknown) => this.#failed(runner, error));
  }

  #won(runner: Runner): void {
    if (this.#over) return;
    runner.endedMs = this.#elapsed;
    this.#onWin(runner.contender.name, this.#results(runner));
    const { name } = this.#other(runner).contender;
    this.#stop(new TransportError(`Cannot use ${name}: ${runner.contender.name} was faster`), runner);
  }

  #failed(runner: Runner, error: unknown): void {
    if (this.#over || runner.endedMs !== undefined) return;
    runner.endedMs = this.#elapsed;
    runner.error = error;
    runner.greeting = false;
    const other = this.#other(runner);
    if (this.#greeting.isFinal(error)) this.#stop(error);
    else if (other.endedMs !== undefined) this.#stop(this.#runners[1].error);
    else if (other.waiting === undefined) this.#start(other);
    else {
      const { waiting } = other;
      delete other.waiting;
      this.#greet(other, waiting);
    }
  }

  #other(runner: Runner): Runner {
    return this.#runners[runner.place === 0 ? 1 : 0];
  }

  /** End all that still runs. @param winner - goes on; without one the race is lost */
  #stop(reason: unknown, winner?: Runner): void {
    if (this.#over) return;
    this.#over = true;
    for (const timer of this.#timers) this.#greeting.clock.cancel(timer);
    for (const runner of this.#runners) {
      runner.waiting?.close(1_000, "");
      if (runner !== winner && runner.endedMs === undefined) runner.abort.abort(reason);
    }
    if (winner === undefined) this.#reject(reason);
  }

  #results(winner: Runner): ContenderResult[] {
    const now = this.#elapsed;
    return this.#runners.map((runner) => {
      const { contender, error, openedMs, startedMs = now, endedMs = now } = runner;
      const failed = runner.endedMs !== undefined && runner !== winner;
      const outcome = runner === winner ? "won" : failed ? "failed" : "lost";
      return { name: contender.name, outcome, startedMs, openedMs, endedMs, ...(failed ? { error } : {}) };
    });
  }
}

function newRunner(place: Place, contender: Contender): Runner {
  return { place, contender, abort: new AbortController(), greeting: false };
}

/** How a contender did, for {@link TransportChoice.reasons}. */
export function describeResult({
  name,
  outcome,
  startedMs,
  openedMs,
  endedMs,
  error,
}: ContenderResult): string {
  const ms = Math.round(endedMs - startedMs);
  if (outcome === "failed") return `${name} failed after ${ms} ms: ${messageOf(error)}`;
  if (outcome === "won") return `${name} answered after ${ms} ms`;
  if (startedMs === endedMs) return `${name} was not needed`;
  return openedMs === undefined
    ? `${name} was not open after ${ms} ms`
    : `${name} was open after ${Math.round(openedMs - startedMs)} ms, without an answer after ${ms} ms`;
}
