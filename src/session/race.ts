import { TransportError } from "../core/errors.ts";
import { type Clock, SYSTEM_CLOCK } from "../transports/drive.ts";
import type { Transport, TransportName } from "../transports/transport.ts";
import { type Dial, type Greeting, type Route, untilAborted } from "./dialing.ts";
import { type Contender, type ContenderResult, describeResult, Heat } from "./heat.ts";
import type { Session } from "./session.ts";
import { whenAborted } from "./when-aborted.ts";

export type { Contender, ContenderResult };

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
  readonly headStartMs?: number | undefined;
  /** Which one carried the last session: when that was the second contender, there is no head start. */
  readonly lastWinner?: TransportName | undefined;
  /** Why the contenders are in this order. */
  readonly reasons?: readonly string[];
  /** Called with the transport of a session that is open. */
  readonly remember?: (winner: TransportName) => void;
  /** Called with each choice. */
  readonly onChoice?: ((choice: TransportChoice) => void) | undefined;
  readonly clock?: Clock;
}

/** The default of {@link RaceOptions.headStartMs}. */
export const DEFAULT_HEAD_START_MS = 500;

/** How long the first contender may take while a session is open already: it must not use up the time of the other. */
const ALONE_MS = 2_000;

/**
 * Two ways to the same server, for `connectWith`: the one is taken whose HELLO is answered first, and the other one is
 * closed; the first contender has a head start. While a session is open, each dial is that contender alone.
 */
export class Race implements Route {
  readonly dials: readonly [Dial, Dial];
  readonly #contenders: readonly [Contender, Contender];
  readonly #options: RaceOptions;
  readonly #clock: Clock;
  readonly #headStartMs: number;
  #choice: TransportChoice | undefined;
  #lastWinner: TransportName | undefined;

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
    this.dials = [(signal) => this.#dialAlone(contenders[0], signal), contenders[1].dial];
  }

  /** What carries the session, or has won the last race; `undefined` before the first one is over. */
  get choice(): TransportChoice | undefined {
    return this.#choice;
  }

  /** Learn from what becomes of the session. Called before it connects. */
  watch(session: Session): void {
    noteChoice(session, this);
    const open = () => {
      const { transport } = session.stats();
      if (session.state !== "open" || transport === undefined) return;
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

  open(greeting: Greeting, signal: AbortSignal): Promise<void> {
    const [delays, reason] = this.#plan();
    const reasons = [...(this.#options.reasons ?? []), reason];
    return new Heat(this.#contenders, delays, greeting, signal, (transport, contenders) => {
      this.#decide({ transport, reasons: [...reasons, ...contenders.map(describeResult)], contenders });
    }).result;
  }

  /** When each contender starts, ms, and why so. */
  #plan(): [readonly [number, number], string] {
    const [first, second] = this.#contenders;
    const ms = this.#headStartMs;
    if (this.#lastWinner === second.name) return [[0, 0], `no head start: ${second.name} won last time`];
    return [[0, ms], `${first.name} has a head start of ${ms} ms`];
  }

  #decide(choice: TransportChoice): void {
    this.#choice = choice;
    this.#options.onChoice?.(choice);
  }

  async #dialAlone({ name, dial }: Contender, signal: AbortSignal): Promise<Transport> {
    const abort = new AbortController();
    const stop = whenAborted(signal, () => abort.abort(signal.reason));
    const late = new TransportError(`Cannot connect: ${name} took longer than ${ALONE_MS} ms`);
    const timer = this.#clock.schedule(() => abort.abort(late), ALONE_MS);
    try {
      return await untilAborted(dial(abort.signal), abort.signal, (transport) => transport.close(1_000, ""));
    } finally {
      this.#clock.cancel(timer);
      stop();
    }
  }
}
