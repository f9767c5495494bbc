import type { Bytes } from "../core/bytes.ts";
import type { Connection } from "../core/connection.ts";
import { TransportError } from "../core/errors.ts";
import type { SessionEvent } from "../core/events.ts";
import { type LaneId, MAIN_LANE } from "../core/lane.ts";
import type { Transport } from "../transports/transport.ts";
import type { VirtualClock } from "./clock.ts";

/** Records are asked for up to this length, as the loop in `transports/drive.ts` does. */
const RECORD_BYTES = 66_560;

/** What a host tells of its connection. */
export interface HostObserver {
  event(event: SessionEvent): void;
  /** A record is handed to the transport. */
  sent(record: Bytes): void;
  /** Something was received or came due: a moment to look at the state. */
  looked(): void;
  /** The connection breaks a rule of its own interface. */
  broken(what: string): void;
}

/**
 * The loop between one connection and its transport, as `transports/drive.ts` has it, without a promise: it asks for
 * output only when the connection has called `wake` or the transport has room again, so that a forgotten call shows.
 */
export class Host {
  readonly connection: Connection;
  readonly #transport: Transport;
  readonly #clock: VirtualClock;
  readonly #observer: HostObserver;
  #flushing = false;
  #flushCall: unknown;
  #blocked = false;
  #timer: unknown;
  #timerAt = Number.POSITIVE_INFINITY;
  #over = false;
  #frozenUntil = 0;
  #deferred: (() => void)[] = [];

  constructor(clock: VirtualClock, connection: Connection, transport: Transport, observer: HostObserver) {
    this.connection = connection;
    this.#clock = clock;
    this.#transport = transport;
    this.#observer = observer;
  }

  /** Begin. Called once. */
  start(): void {
    this.connection.mux.wake = this.#wake;
    this.#transport.start({
      data: (lane, bytes) => {
        if (this.#sleeping) this.#deferred.push(() => this.#receive(lane, bytes));
        else this.#receive(lane, bytes);
      },
      drain: () =>
        this.#whenAwake(() => {
          this.#blocked = false;
          this.#wake();
        }),
      lane: () => {},
      datagram: () => {},
      closed: (error) =>
        this.#whenAwake(() => {
          this.#over = true;
          this.#disarm();
          this.connection.lost(error ?? new TransportError("Connection was closed by the peer"));
          this.settle();
        }),
    });
    this.#wake();
    this.#arm();
  }

  /** Whether the transport is full. */
  get blocked(): boolean {
    return this.#blocked;
  }

  /** Whether the process stands still. */
  get frozen(): boolean {
    return this.#clock.now() < this.#frozenUntil;
  }

  /** Let the process stand still for `ms`: nothing is read, written or timed until then. */
  freeze(ms: number): void {
    if (this.frozen) return;
    this.#frozenUntil = this.#clock.now() + ms;
    this.#clock.schedule(() => {
      const deferred = this.#deferred;
      this.#deferred = [];
      for (const run of deferred) run();
    }, ms);
  }

  /** Deliver events and set the timer. Called after each use of the connection by the application. */
  settle(): void {
    const { connection } = this;
    for (let event = connection.poll(); event !== undefined; event = connection.poll())
      this.#observer.event(event);
    if (connection.state === "closing" || connection.state === "closed") this.#wake();
    this.#observer.looked();
    if (this.#sleepsOnOutput) this.#observer.broken("there is something to send, but wake() was not called");
    this.#arm();
  }

  get #sleepsOnOutput(): boolean {
    const { mux, state } = this.connection;
    return !this.#flushing && !this.#blocked && !this.#over && state === "open" && mux.outbox.ready;
  }

  /** Let the application do something, once the process does not stand still. */
  act(run: () => void): void {
    this.#whenAwake(() => {
      run();
      this.settle();
    });
  }

  #whenAwake(run: () => void): void {
    if (this.#sleeping) this.#deferred.push(run);
    else run();
  }

  get #sleeping(): boolean {
    return this.frozen || this.#deferred.length > 0;
  }

  #receive(lane: LaneId, bytes: Bytes): void {
    this.connection.receive(lane, bytes, this.#clock.now());
    this.settle();
  }

  readonly #wake = (): void => {
    if (this.#flushing || this.#over) return;
    this.#flushing = true;
    this.#flushCall = this.#clock.scheduleAt(this.#onFlush, this.#clock.now());
  };

  readonly #onFlush = (): void => {
    this.#whenAwake(this.#flush);
  };

  readonly #flush = (): void => {
    this.#flushing = false;
    this.#clock.cancel(this.#flushCall); // when a timer came first
    if (this.#over) return;
    const { connection } = this;
    const now = this.#clock.now();
    while (!this.#blocked || connection.state === "closing") {
      const record = connection.takeOutput(MAIN_LANE, RECORD_BYTES, now);
      if (record === undefined) break;
      this.#observer.sent(record);
      this.#blocked = !this.#transport.write(MAIN_LANE, record);
    }
    this.settle();
    if (connection.state === "closed" && !this.#over) this.#finish();
  };

  #finish(): void {
    this.#over = true;
    this.#disarm();
    this.#transport.close(1_000, "");
  }

  #disarm(): void {
    this.#clock.cancel(this.#timer);
    this.#timer = undefined;
    this.#timerAt = Number.POSITIVE_INFINITY;
  }

  /** Keep the timer no later than the deadline; one that fires too early arms itself again. */
  #arm(): void {
    if (this.#over) return;
    const deadline = this.connection.deadline ?? Number.POSITIVE_INFINITY;
    if (deadline >= this.#timerAt) return;
    this.#disarm();
    this.#timerAt = deadline;
    this.#timer = this.#clock.scheduleAt(this.#onTimer, deadline);
  }

  readonly #onTimer = (): void => {
    this.#timer = undefined;
    this.#whenAwake(this.#timeOut);
  };

  readonly #timeOut = (): void => {
    if (this.#over) return;
    this.#timerAt = Number.POSITIVE_INFINITY;
    const { connection } = this;
    const now = this.#clock.now();
    if (now < (connection.deadline ?? Number.POSITIVE_INFINITY)) {
      this.#arm();
      return;
    }
    connection.handleTimeout(now);
    this.#flush();
    const { deadline } = connection;
    if (deadline !== undefined && deadline <= now) {
      this.#observer.broken(
        `deadline ${deadline} is not over after handleTimeout(${now}) and output: a timer would spin`,
      );
    }
  };
}
