import type { Bytes } from "../core/bytes.ts";
import type { WireError } from "../core/errors.ts";

/** Where a session stands: `connecting` also between a lost connection and the next one. */
export type SessionState = "connecting" | "open" | "closed";

/** A session changed its state. Type `statechange`. */
export class StateChangeEvent extends Event {
  readonly state: SessionState;
  /** Why, when something went wrong. */
  readonly error: WireError | undefined;
  /** Until the next attempt to connect, ms; 0 when one is under way. */
  readonly retryInMs: number;

  constructor(state: SessionState, error: WireError | undefined, retryInMs: number) {
    super("statechange");
    this.state = state;
    this.error = error;
    this.retryInMs = retryInMs;
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

/** The events of a session by type. */
export interface SessionEventMap {
  readonly statechange: StateChangeEvent;
  readonly datagram: DatagramEvent;
}
