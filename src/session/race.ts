import { TransportError } from "../core/errors.ts";
import { type Clock, SYSTEM_CLOCK } from "../transports/drive.ts";
import type { Transport, TransportName } from "../transports/transport.ts";
import type { Dial } from "./dialing.ts";
import type { Session } from "./session.ts";

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
  /** Why it failed. */
  readonly error?: unknown;
}

/** Which transport carries a session, and why. */
export interface TransportChoice {
  readonly transport: TransportName;
  readonly reasons: readonly string[];
  /** How those did that took part; empty when there was no race. */
  readonly contenders: readonly ContenderResult[];
}

const CHOICES: WeakMap<Session, { readonly choice: TransportChoice | undefined }> = new WeakMap();

/** Which transport was chosen for a session, and why; `undefined` when there was no choice. */
export function choiceOf(session: Session): TransportChoice | undefined {
  return CHOICES.get(session)?.choice;
}

/** Note what {@link choiceOf} tells. For those that connect. */
export function noteChoice(session: Session, by: { readonly choice: TransportChoice | undefined }): void {
  CHOICES.set(session, by);
}

/** How a race is run. */
export interface RaceOptions {
  /** How long the first contender is alone, ms. Default 500. */
  readonly headStartMs?: number;
  /** Which one carried the last session: when that was the second contender, there is no head start. */
  readonly lastWinner?: TransportName | undefined;
  /** Why the contenders are in this order. */
  readonly reasons?: readonly string[];
  /** Called with the transport of a session that is open. */
  readonly remember?: (winner: TransportName) => void;
  /** Called with each choice. */
  readonly onChoice?: (choice: TransportChoice) => void;
  readonly clock?: Clock;
}

/** The default of {@link RaceOptions.headStartMs}. */
export const DEFAULT_HEAD_START_MS = 500;

/** How long the first contender may take while a session is open already: it must not use up the time of the other. */
const ALONE_MS = 2_000;

/**
 * Two ways to the same server, of which the faster one is taken; the first contender has a head start.
 *
 * A race makes two dials for `connectWith`. The first one is the race; when the second contender wins it fails at once,
 * and the second dial hands out what that one has opened. So a session knows which way it came, and tries the better
 * one again later. While a session is open, each dial is that contender alone.
 */
export class Race {
  /** For `connectWith`: the contenders, the first one first. */
  readonly dials: readonly [Dial, Dial];
  readonly #contenders: readonly [Contender, Contender];
  readonly #options: RaceOptions;
  readonly #clock: Clock;
  readonly #headStartMs: number;
  #heat: Heat | undefined;
  #session: Session | undefined;
  #choice: TransportChoice | undefined;
  #lastWinner: TransportName | undefined;
  /** Won a race, and no session was open over it since then. */
  #unproven: TransportName | undefined;

  /** @throws {RangeError} when the head start is no time. */
  constructor(contenders: readonly [Contender, Contender], options: RaceOptions = {}) {
    const { headStartMs = DEFAULT_HEAD_START_MS } = options;
    if (!(headStartMs >= 0 && headStartMs <= 60_000))
      throw new RangeError(`Cannot use headStartMs ${headStartMs}: must be from 0 to 60,000 ms`);
    this.#contenders = contenders;
    this.#options = options;
    this.#clock = options.clock ?? SYSTEM_CLOCK;
    this.#headStartMs = headStartMs;
    this.#lastWinner = options.lastWinner;
    this.dials = [(signal) => this.#dialFirst(signal), (signal) => this.#dialSecond(signal)];
  }

  /** What carries the session, or has won the last race; `undefined` before the first one is over. */
  get choice(): TransportChoice | undefined {
    return this.#choice;
  }

  /** Learn from what becomes of the session. Called before it connects. */
  watch(session: Session): void {
    this.#session = session;
    noteChoice(session, this);
    const open = () => {
      const { transport } = session.stats();
      if (session.state !== "open" || transport === undefined) return;
      this.#unproven = undefined;
      this.#lastWinner = transport;
      this.#options.remember?.(transport);
    };
    session.addEventListener("statechange", open);
    session.addEventListener("migrated", () => {
      const { transport } = session.stats();
      open();
      if (transport === undefined || transport === this.#choice?.transport) return;
      this.#decide({
        transport,
        reasons: [`moved from ${this.#choice?.transport} to ${transport}`],
        contenders: this.#choice?.contenders ?? [],
      });
    });
  }

  #dialFirst(signal: AbortSignal): Promise<Transport> {
    if (this.#session?.state === "open") return this.#dialAlone(this.#contenders[0], signal);
    const [delays, reason] = this.#plan();
    const reasons = [...(this.#options.reasons ?? []), ...reason];
    this.#heat = new Heat(this.#contenders, delays, signal, this.#clock, (transport, contenders) => {
      this.#unproven = transport;
      this.#decide({ transport, reasons: [...reasons, ...contenders.map(describe)], contenders });
    });
    return this.#heat.take(0);
  }

  #dialSecond(signal: AbortSignal): Promise<Transport> {
    const heat = this.#heat;
    return heat?.signal === signal ? heat.take(1) : this.#contenders[1].dial(signal);
  }

  /** When each contender starts, ms, and why so. */
  #plan(): [readonly [number, number], string[]] {
    const [first, second] = this.#contenders;
    const ms = this.#headStartMs;
    if (this.#unproven === first.name)
      return [[ms, 0], [`${second.name} has the head start: no session came to be over ${first.name}`]];
    if (this.#lastWinner === second.name) return [[0, 0], [`no head start: ${second.name} won last time`]];
    return [[0, ms], [`${first.name} has a head start of ${ms} ms`]];
  }

  #decide(choice: TransportChoice): void {
    this.#choice = choice;
    this.#options.onChoice?.(choice);
  }

  async #dialAlone({ name, dial }: Contender, signal: AbortSignal): Promise<Transport> {
    const abort = new AbortController();
    const onAbort = () => abort.abort(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    const late = new TransportError(`Cannot connect: ${name} took longer than ${ALONE_MS} ms`);
    const timer = this.#clock.schedule(() => abort.abort(late), ALONE_MS);
    try {
      return await givenUp(dial(abort.signal), abort.signal);
    } finally {
      this.#clock.cancel(timer);
      signal.removeEventListener("abort", onAbort);
    }
  }
}

/** What `opening` gives, or the reason of `signal`; a transport that comes too late is closed. */
function givenUp(opening: Promise<Transport>, signal: AbortSignal): Promise<Transport> {
  return new Promise((resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    opening.then((transport) => {
      if (signal.aborted) transport.close(1_000, "");
      resolve(transport);
    }, reject);
  });
}

type Place = 0 | 1;

/** One contender in one heat. */
class Runner {
  readonly contender: Contender;
  readonly abort: AbortController = new AbortController();
  readonly result: Promise<Transport>;
  resolve!: (transport: Transport) => void;
  reject!: (error: unknown) => void;
  startedMs: number | undefined;
  endedMs: number | undefined;
  error: unknown;

  constructor(contender: Contender) {
    this.contender = contender;
    this.result = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    this.result.catch(() => {}); // it may not be asked for
  }
}

/** One race. */
class Heat {
  readonly signal: AbortSignal;
  readonly #runners: readonly [Runner, Runner];
  readonly #clock: Clock;
  readonly #began: number;
  readonly #onWin: (winner: TransportName, results: readonly ContenderResult[]) => void;
  readonly #timers: unknown[] = [];
  /** There is a winner, or nobody can win any more. */
  #over = false;
  /** What the second contender has opened, while nobody has asked for it. */
  #waiting: Transport | undefined;
  #asked = false;

  constructor(
    contenders: readonly [Contender, Contender],
    delays: readonly [number, number],
    signal: AbortSignal,
    clock: Clock,
    onWin: (winner: TransportName, results: readonly ContenderResult[]) => void,
  ) {
    this.signal = signal;
    this.#clock = clock;
    this.#began = clock.now();
    this.#onWin = onWin;
    this.#runners = [new Runner(contenders[0]), new Runner(contenders[1])];
    signal.addEventListener("abort", () => this.#stop(signal.reason), { once: true });
    for (const place of [0, 1] as const) {
      const delay = delays[place];
      if (delay === 0) this.#start(place);
      else this.#timers.push(clock.schedule(() => this.#start(place), delay));
    }
    if (signal.aborted) this.#stop(signal.reason);
  }

  /** What the contender opens. Fails when the other one wins. */
  take(place: Place): Promise<Transport> {
    if (place === 1) {
      this.#asked = true;
      this.#waiting = undefined;
    }
    return this.#runners[place].result;
  }

  get #elapsed(): number {
    return this.#clock.now() - this.#began;
  }

  #start(place: Place): void {
    const runner = this.#runners[place];
    if (this.#over || runner.startedMs !== undefined) return;
    runner.startedMs = this.#elapsed;
    const { dial } = runner.contender;
    (async () => dial(runner.abort.signal))().then(
      (transport) => this.#opened(place, transport),
      (error: unknown) => this.#failed(place, error),
    );
  }

  #opened(place: Place, transport: Transport): void {
    if (this.#over) return transport.close(1_000, "");
    const runner = this.#runners[place];
    runner.endedMs = this.#elapsed;
    const { name } = runner.contender;
    const lost = new TransportError(`Cannot use ${this.#other(place).contender.name}: ${name} was faster`);
    this.#onWin(name, this.#results(place));
    this.#stop(lost);
    runner.resolve(transport);
    if (place === 0 || this.#asked) return;
    // When only the first dial was asked for, nobody comes for what the second one has opened.
    this.#waiting = transport;
    this.#clock.schedule(() => this.#waiting?.close(1_000, ""), 0);
  }

  #failed(place: Place, error: unknown): void {
    if (this.#over) return;
    const runner = this.#runners[place];
    runner.endedMs = this.#elapsed;
    runner.error = error;
    runner.reject(error);
    if (this.#other(place).endedMs !== undefined) this.#stop(error);
    else this.#start(place === 0 ? 1 : 0);
  }

  #other(place: Place): Runner {
    return this.#runners[place === 0 ? 1 : 0];
  }

  /** End all that still runs. */
  #stop(reason: unknown): void {
    this.#waiting?.close(1_000, "");
    this.#waiting = undefined;
    if (this.#over) return;
    this.#over = true;
    for (const timer of this.#timers) this.#clock.cancel(timer);
    for (const runner of this.#runners) {
      if (runner.endedMs !== undefined) continue;
      runner.abort.abort(reason);
      runner.reject(reason);
    }
  }

  #results(winner: Place): ContenderResult[] {
    const now = this.#elapsed;
    return this.#runners.map((runner, place) => {
      const { contender, error, startedMs = now, endedMs = now } = runner;
      const failed = runner.endedMs !== undefined && place !== winner;
      const outcome = place === winner ? "won" : failed ? "failed" : "lost";
      return { name: contender.name, outcome, startedMs, endedMs, ...(failed ? { error } : {}) };
    });
  }
}

function describe({ name, outcome, startedMs, endedMs, error }: ContenderResult): string {
  const ms = Math.round(endedMs - startedMs);
  if (outcome === "failed")
    return `${name} failed after ${ms} ms: ${error instanceof Error ? error.message : String(error)}`;
  if (outcome === "won") return `${name} opened in ${ms} ms`;
  return startedMs === endedMs ? `${name} was not needed` : `${name} was not open after ${ms} ms`;
}
