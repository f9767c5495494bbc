import type { Bytes } from "../core/bytes.ts";
import type { Connection } from "../core/connection/connection.ts";
import { TransportError, type WireError } from "../core/errors.ts";
import type { SessionEvent } from "../core/events.ts";
import { type LaneId, MAIN_LANE } from "../core/lanes/lane.ts";
import type { Transport } from "../transports/transport.ts";
import type { VirtualClock } from "./clock.ts";
import type { Process } from "./process.ts";

/** Records are asked for up to this length, as the loop in `transports/drive.ts` does. */
const RECORD_BYTES = 66_560;

/** A transport that takes nothing for so long is given up, ms, as in `transports/drive.ts`. */
const WRITE_STALL_MS = 20_000;

/** What a host tells of its connection. */
export interface HostObserver {
  event(event: SessionEvent): void;
  /** A record is handed to the transport. */
  sent(record: Bytes): void;
  /** Something was received or came due: a moment to look at the state. */
  looked(): void;
  /** Bytes came for a connection that is over. */
  late(): void;
  /** The connection breaks a rule of its own interface. */
  broken(what: string): void;
}

/**
 * The loop between one connection and its transport, as `transports/drive.ts` has it, without a promise: it asks for
 * output only when the connection has called `wake` or the transport has room again, so that a forgotten call shows.
 */
export class Host {
  readonly connection: Connection;
  readonly machine: Process;
  readonly #transport: Transport;
  readonly #clock: VirtualClock;
  readonly #observer: HostObserver;
  #flushing = false;
  #flushCall: unknown;
  /** The lanes that are full, and since when, ms. */
  readonly #blockedAt: Map<LaneId, number> = new Map();
  #lanes = 0;
  #timer: unknown;
  #timerAt = Number.POSITIVE_INFINITY;
  #over = false;

  constructor(
    clock: VirtualClock,
    machine: Process,
    connection: Connection,
    transport: Transport,
    observer: HostObserver,
  ) {
    this.machine = machine;
    this.connection = connection;
    this.#clock = clock;
    this.#transport = transport;
    this.#observer = observer;
  }

  /** Begin. Called once. */
  start(): void {
    const { machine } = this;
    this.connection.mux.wake = this.#wake;
    this.#transport.start({
      data: (lane, bytes) => {
        if (machine.sleeping) machine.whenAwake(() => this.#receive(lane, bytes));
        else if (!machine.over) this.#receive(lane, bytes);
      },
      drain: (lane) =>
        machine.whenAwake(() => {
          this.#blockedAt.delete(lane);
          this.#wake();
        }),
      lane: () => {},
      datagram: () => {},
      closed: (error) => machine.whenAwake(() => this.#lost(error)),
    });
    this.#wake();
    this.#arm();
  }

  /** Whether the transport is full. */
  get blocked(): boolean {
    return this.#blockedAt.has(MAIN_LANE);
  }

  /** Give the transport up, as if it had been lost. */
  abandon(error: WireError): void {
    this.#lost(error);
    this.#transport.close(1_000, "");
  }

  #lost(error: WireError | undefined): void {
    if (this.#over) return;
    this.#over = true;
    this.#disarm();
    this.connection.lost(error ?? new TransportError("Connection was closed by the peer"));
    this.settle();
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
    return !this.#flushing && !this.blocked && !this.#over && state === "open" && mux.outbox.ready;
  }

  #receive(lane: LaneId, bytes: Bytes): void {
    const { connection } = this;
    if (connection.state === "closing" || connection.state === "closed") this.#observer.late();
    const own = bytes.slice();
    connection.receive(lane, own, this.#clock.now());
    // What the connection has let go of is written over, as a transport may do.
    if (!this.#transport.capabilities.messageBoundaries) own.fill(0xdd);
    this.settle();
    if (!connection.release()) own.fill(0xdd);
  }

  readonly #wake = (): void => {
    if (this.#flushing || this.#over) return;
    this.#flushing = true;
    this.#flushCall = this.#clock.scheduleAt(this.#onFlush, this.#clock.now());
  };

  readonly #onFlush = (): void => {
    this.machine.whenAwake(this.#flush);
  };

  readonly #flush = (): void => {
    this.#flushing = false;
    this.#clock.cancel(this.#flushCall); // when a timer came first
    if (this.#over) return;
    const { connection } = this;
    const now = this.#clock.now();
    this.#writeLane(MAIN_LANE, now);
    for (let lane = 1; lane <= connection.lanes; lane++) {
      if (lane > this.#lanes) this.#lanes = this.#transport.openLane?.() as LaneId;
      this.#writeLane(lane as LaneId, now);
    }
    if (this.#over) return;
    this.settle();
    if (connection.state === "closed" && !this.#over) this.#finish();
  };

  #writeLane(lane: LaneId, now: number): void {
    const { connection } = this;
    // The observer may lose the link with a record.
    while (!this.#over && (!this.#blockedAt.has(lane) || connection.state === "closing")) {
      const record = connection.takeOutput(lane, RECORD_BYTES, now);
      if (record === undefined) return;
      this.#observer.sent(record);
      if (!this.#over && !this.#transport.write(lane, record)) this.#blockedAt.set(lane, now);
    }
  }

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

  get #stallAt(): number {
    return Math.min(...this.#blockedAt.values()) + WRITE_STALL_MS;
  }

  get #deadline(): number {
    return Math.min(this.connection.deadline, this.#stallAt);
  }

  /** Keep the timer no later than the deadline; one that fires too early arms itself again. */
  #arm(): void {
    if (this.#over) return;
    const deadline = this.#deadline;
    if (deadline >= this.#timerAt) return;
    this.#disarm();
    this.#timerAt = deadline;
    this.#timer = this.#clock.scheduleAt(this.#onTimer, deadline);
  }

  readonly #onTimer = (): void => {
    this.#timer = undefined;
    this.machine.onTimer(this.#timeOut);
  };

  readonly #timeOut = (): void => {
    if (this.#over) return;
    this.#timerAt = Number.POSITIVE_INFINITY;
    const { connection } = this;
    const now = this.#clock.now();
    if (now >= this.#stallAt) {
      this.abandon(new TransportError("Transport took no bytes for 20 s", { code: "ERR_TIMEOUT" }));
      return;
    }
    if (now < this.#deadline) {
      this.#arm();
      return;
    }
    connection.handleTimeout(now);
    this.#flush();
    const { deadline } = connection;
    if (deadline <= now && !this.#over) {
      this.#observer.broken(
        `deadline ${deadline} is not over after handleTimeout(${now}) and output: a timer would spin`,
      );
    }
  };
}
