import type { Bytes } from "../core/bytes.ts";
import type { WireError } from "../core/errors.ts";
import type { TransportName } from "../transports/transport.ts";

/**
 * Where a session stands.
 *
 *     connecting   the first connection, or a fresh start after the session could not be carried on
 *     open         connected
 *     resuming     the connection was lost; streams and calls wait, and go on when the session is carried on
 *     closed       over
 */
export type SessionState = "connecting" | "open" | "resuming" | "closed";

/** Why a session was carried on over another connection, or why not. */
export type ResumeReason =
  /** The connection was lost, and another one goes on where it ended. */
  | "resumed"
  /** It moved to another connection before the earlier one was lost. */
  | "migrated"
  /** The peer does not know the session: it was restarted, or the time is over, or the proof was not accepted. */
  | "unknown"
  /** The time in which the peer keeps a lost session is over. */
  | "expired"
  /** What was lost on the way is not kept any more. */
  | "too much lost"
  /** The peer does not keep sessions, or this side does not want it. */
  | "not offered"
  /** The peer was going away and sent this side elsewhere. */
  | "going away";

/** How a session came by its current connection, when that is not its first one. */
export interface ResumeOutcome {
  /** Whether the streams of the session went on, with nothing lost and nothing twice. */
  readonly resumed: boolean;
  readonly reason: ResumeReason;
}

/** A session changed its state. Type `statechange`. */
export class StateChangeEvent extends Event {
  readonly state: SessionState;
  /** Why, when something went wrong. */
  readonly error: WireError | undefined;
  /** Until the next attempt to connect, ms; 0 when one is under way. */
  readonly retryInMs: number;
  /** When it is open again: whether its streams went on. */
  readonly outcome: ResumeOutcome | undefined;

  constructor(state: SessionState, error: WireError | undefined, retryInMs: number, outcome?: ResumeOutcome) {
    super("statechange");
    this.state = state;
    this.error = error;
    this.retryInMs = retryInMs;
    this.outcome = outcome;
  }
}

/** A session moved to another connection without a loss. Type `migrated`. */
export class MigratedEvent extends Event {
  readonly from: TransportName | undefined;
  readonly to: TransportName;

  constructor(from: TransportName | undefined, to: TransportName) {
    super("migrated");
    this.from = from;
    this.to = to;
  }
}

/** A datagram arrived. Type `datagram`. */
export class DatagramEvent extends Event {
  readonly payload: Bytes;

  constructor(payload: Bytes) {
    super("datagram");
    this.payload = payload;
  }
}

/** The peer takes no new streams; those that are open go on. Type `goaway`. */
export class GoAwayEvent extends Event {
  readonly error: WireError;
  /** How long the peer asks to wait before the next connection, ms. */
  readonly delayMs: number;

  constructor(error: WireError, delayMs: number) {
    super("goaway");
    this.error = error;
    this.delayMs = delayMs;
  }
}

/** The events of a session by type. */
export interface SessionEventMap {
  readonly statechange: StateChangeEvent;
  readonly migrated: MigratedEvent;
  readonly goaway: GoAwayEvent;
  readonly datagram: DatagramEvent;
}
