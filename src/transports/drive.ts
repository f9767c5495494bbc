import type { Bytes } from "../core/bytes.ts";
import type { Connection } from "../core/connection/connection.ts";
import { OWN_STALL_MS } from "../core/connection/keep-alive.ts";
import { closeCodeOf, TransportError, type WireError } from "../core/errors.ts";
import type { SessionEvent } from "../core/events.ts";
import { type LaneId, MAIN_LANE } from "../core/lanes/lane.ts";
import { NEVER } from "../core/time.ts";
import { DATAGRAM_LANE, type Transport, type TransportEvents } from "./transport.ts";

/** Time and timers, so that a simulation can bring its own. */
export interface Clock {
  /** Milliseconds on a clock that never goes back. */
  now(): number;
  /** Call `run` once, not before `ms` have passed, or 24 days. @returns what {@link cancel} takes. */
  schedule(run: () => void, ms: number): unknown;
  cancel(handle: unknown): void;
}

/** Longest delay that timers of all runtimes take, ms. */
const MOST_DELAY_MS = 2_147_483_647;

/** The clock of the runtime. */
export const SYSTEM_CLOCK: Clock = {
  now: () => performance.now(),
  schedule: (run, ms) => setTimeout(run, Math.min(ms, MOST_DELAY_MS)), // a longer one would fire at once
  cancel: (handle) => clearTimeout(handle as ReturnType<typeof setTimeout>),
};

/** Where microtasks hang: in Node this costs a third of `queueMicrotask`, which keeps a context for each. */
const SOON: Promise<void> = Promise.resolve();

/** Microtasks that a flush waits while others of the same task still add to the record. */
const MOST_HOPS = 8;

/**
 * Charged bytes that whole calls or answers of one task add before they leave without waiting for its end, and with each
 * time twice as many: the peer begins with the first ones while this side still makes the others.
 */
const EARLY_BYTES = 2_400;

/** Records are built up to this length: what is decided later can still go before the rest. */
const RECORD_BYTES = 66_560;

/** A transport that takes nothing for so long is given up, ms (F2). */
const WRITE_STALL_MS = 20_000;

/**
 * The loop between a connection and its transport: hands bytes in, takes records out when the transport has room,
 * delivers events, and keeps one timer for the earliest deadline. Idle, it does nothing.
 *
 * What one task sends leaves as one record: it is flushed by a microtask, which lets the other microtasks of the
 * task finish first. Only when many calls or answers of the task are whole, or a long one is, the first ones go before.
 */
export class Drive implements TransportEvents {
  readonly #connection: Connection;
  readonly #transport: Transport;
  readonly #onEvent: (event: SessionEvent) => void;
  readonly #clock: Clock;
  #flushing = false;
  #dirty = false;
  #hops = 0;
  /** Charged bytes that a task may add, and all that wait then. */
  #early = 0;
  #earlyAt = 0;
  /** The lanes that are full, and since when, ms. */
  #blockedAt: Map<LaneId, number> | undefined;
  /** Lanes that this side has opened beside the main one. */
  #lanes = 0;
  /** Enough datagrams wait in the transport. */
  #datagramsBlocked = false;
  #timer: unknown;
  #timerAt = NEVER;
  #over = false;

  /**
   * @param onEvent - hears every event of the connection, in order; must not throw
   */
  constructor(
    connection: Connection,
    transport: Transport,
    onEvent: (event: SessionEvent) => void,
    clock: Clock = SYSTEM_CLOCK,
  ) {
    this.#connection = connection;
    this.#transport = transport;
    this.#onEvent = onEvent;
    this.#clock = clock;
  }

  /** Begin. Called once. */
  start(): void {
    this.#connection.mux.wake = this.#wake;
    this.#transport.start(this);
    this.#wake();
    this.#arm();
  }

  data(lane: LaneId, bytes: Bytes): boolean {
    this.#connection.receive(lane, bytes, this.#clock.now());
    this.#deliver();
    return this.#connection.release();
  }

  drain(lane: LaneId): void {
    if (lane === DATAGRAM_LANE) this.#datagramsBlocked = false;
    else this.#blockedAt?.delete(lane);
    this.#wake();
  }

  lane(): void {
    // The connection counts it when something comes on it.
  }

  datagram(bytes: Bytes): void {
    this.#connection.receiveDatagram(bytes, this.#clock.now());
    this.#deliver();
  }

  closed(error?: WireError): void {
    if (this.#over) return;
    this.#over = true;
    this.#clearTimer();
    this.#connection.lost(error);
    this.#deliver();
  }

  /** Bytes that the transport holds; `undefined` where it cannot tell. */
  get bufferedBytes(): number | undefined {
    let sum = this.#transport.bufferedBytes(MAIN_LANE);
    for (let lane = 1; lane <= this.#lanes && sum !== undefined; lane++)
      sum += this.#transport.bufferedBytes(lane as LaneId) ?? 0;
    return sum;
  }

  /** Tell the connection that its transport is gone, and let go of the transport. */
  abandon(error: WireError): void {
    this.closed(error);
    this.#transport.close(closeCodeOf(error.code), error.message);
  }

  #deliver(): void {
    const connection = this.#connection;
    for (let event = connection.poll(); event !== undefined; event = connection.poll()) this.#onEvent(event);
    if (connection.state === "closing" || connection.state === "closed") this.#wake();
    if (!this.#flushing) this.#arm(); // or the flush does
  }

  readonly #wake = (complete?: boolean): void => {
    this.#dirty = true;
    if (this.#over) return;
    const { outbox } = this.#connection.mux;
    if (!this.#flushing) {
      this.#flushing = true;
      this.#hops = 0;
      this.#early = EARLY_BYTES;
      SOON.then(this.#flush);
    } else if (complete && outbox.queuedBytes >= this.#earlyAt) {
      this.#early *= 2;
      this.#send();
    } else return;
    this.#earlyAt = outbox.queuedBytes + this.#early;
  };

  readonly #flush = (): void => {
    if (this.#dirty && this.#hops < MOST_HOPS) {
      this.#dirty = false;
      this.#hops++;
      SOON.then(this.#flush);
      return;
    }
    this.#flushing = false;
    this.#send();
    this.#deliver();
    if (this.#connection.state === "closed") this.#finish();
  };

  #send(): void {
    const now = this.#clock.now();
    this.#writeDatagrams(now);
    // The main lane first: what is urgent is there, and it has the first choice of the session's credit.
    this.#writeLane(MAIN_LANE, now);
    for (let lane = 1; lane <= this.#connection.lanes; lane++) {
      if (lane > this.#lanes) this.#lanes = this.#transport.openLane?.() as LaneId;
      this.#writeLane(lane as LaneId, now);
    }
    this.#transport.flush?.();
  }

  #writeLane(lane: LaneId, now: number): void {
    const transport = this.#transport;
    // CLOSE is the last record, and the transport bounds the time for what was written before it.
    while (this.#blockedAt?.has(lane) !== true || this.#connection.state === "closing") {
      const record = this.#connection.takeOutput(lane, RECORD_BYTES, now);
      if (record === undefined) return;
      const { tail } = this.#connection;
      const hasRoom =
        tail === undefined ? transport.write(lane, record) : transport.writeParts?.(lane, record, tail);
      if (hasRoom) continue;
      this.#blockedAt ??= new Map();
      this.#blockedAt.set(lane, now);
    }
  }

  #writeDatagrams(now: number): void {
    const transport = this.#transport;
    this.#connection.datagrams.age(now);
    if (transport.writeDatagram === undefined) return;
    while (!this.#datagramsBlocked) {
      const payload = this.#connection.takeDatagram(transport.maxDatagramBytes ?? 0, now);
      if (payload === undefined) return;
      this.#datagramsBlocked = !transport.writeDatagram(payload);
    }
  }

  /** The connection is over and its CLOSE was written. */
  #finish(): void {
    if (this.#over) return;
    this.#over = true;
    this.#clearTimer();
    const { closedByPeer, error } = this.#connection;
    if (closedByPeer) this.#transport.peerClosed?.();
    this.#transport.close(closeCodeOf(error?.code ?? "ERR_NONE"), error?.message ?? "");
  }

  /** When the transport has taken nothing for too long, ms. */
  get #stuckAt(): number {
    if (this.#blockedAt === undefined) return NEVER;
    for (const since of this.#blockedAt.values()) return since + WRITE_STALL_MS; // the first one is the oldest
    return NEVER;
  }

  #clearTimer(): void {
    this.#clock.cancel(this.#timer);
    this.#timer = undefined;
    this.#timerAt = NEVER;
  }

  /** Keep the timer no later than the earliest deadline; one that fires too early arms itself again. */
  #arm(): void {
    if (this.#over) return;
    const deadline = Math.min(this.#connection.deadline, this.#stuckAt);
    if (deadline >= this.#timerAt) return;
    this.#clearTimer();
    this.#timerAt = deadline;
    const delayMs = Math.ceil(Math.max(0, deadline - this.#clock.now()));
    this.#timer = this.#clock.schedule(this.#onTimer, delayMs);
  }

  readonly #onTimer = (): void => {
    const timerAt = this.#timerAt;
    this.#clearTimer();
    const now = this.#clock.now();
    // A timer that comes late was held up by this process: the transport has not had its time.
    if (now > timerAt + OWN_STALL_MS)
      for (const lane of this.#blockedAt?.keys() ?? []) this.#blockedAt?.set(lane, now);
    if (now >= this.#stuckAt) {
      this.abandon(new TransportError("Transport took no bytes for 20 s", { code: "ERR_TIMEOUT" }));
      return;
    }
    if (now >= this.#connection.deadline) this.#connection.handleTimeout(now);
    this.#deliver();
    this.#arm();
  };
}
