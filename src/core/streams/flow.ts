import { ProtocolError } from "../errors.ts";
import { MAX_WINDOW_BYTES } from "../limits.ts";

/**
 * What a finished message counts in flow control beyond its payload: about what it costs the receiver to hold it, so
 * that credit in bytes also bounds the number of messages.
 */
export const MESSAGE_CHARGE = 32;

/** What the end of a half counts in flow control, so that its arrival has a position too. */
export const FIN_CHARGE = 1;

/** Most session credit that a sender keeps for the message that it began first. */
const MOST_RESERVE_BYTES = 16_384;

/**
 * Session credit that a sender leaves alone while a message is sent in part, except for that message.
 *
 * The receiver lends credit to the oldest unfinished message only. Were the last of the credit spent on others, none
 * of them could ever end.
 * @param window - bytes between what the peer has consumed and its limit
 * Source: docs/protocol.md, section 7.
 */
export function reserveBytes(window: number): number {
  return Math.min(MOST_RESERVE_BYTES, window >>> 1);
}

/** A path that is faster than this is not filled by one stream, bytes a millisecond: 2 Gbit/s. */
export const PATH_BYTES_PER_MS = 262_144;

/**
 * The receiver's side of credit, for one stream or for the session.
 *
 *     consumed <= received <= limit          positions: charged bytes since the start, they never go back
 *
 * A grant is due when half of the window was consumed. The window doubles when that took less than two round trips,
 * since the sender then waited for credit. A stream's window stays below what a fast path holds in its shortest round
 * trip: a larger one only makes a queue, and small messages of other streams wait in that. Twice its first size is
 * always allowed, and eight times while it is the only stream.
 */
export class ReceiveWindow {
  /** Position up to which bytes have arrived. */
  received = 0;
  /** Position up to which the application has taken bytes. */
  consumed = 0;
  /** The same as the peer was told it last. */
  told = 0;
  /** Position that the peer may not pass. */
  limit: number;
  /** Bytes that may be on their way or unread. */
  window: number;
  readonly #least: number;
  readonly #most: number;
  readonly #bytesPerMs: number;
  #grantAt: number;
  #grantedAtMs = 0;

  /** @param bytesPerMs - speed of the fastest path that the window is meant to fill */
  constructor(window: number, most: number, bytesPerMs: number = Number.POSITIVE_INFINITY) {
    this.limit = window;
    this.window = window;
    this.#least = window;
    this.#most = most;
    this.#bytesPerMs = bytesPerMs;
    this.#grantAt = window >>> 1;
  }

  /**
   * Count bytes that arrived.
   * @throws {ProtocolError} `ERR_FLOW` when they pass the limit.
   */
  receive(charge: number): void {
    const received = this.received + charge;
    if (received > this.limit) {
      throw new ProtocolError(
        "ERR_FLOW",
        `Cannot accept ${charge} bytes: ${this.limit - this.received} bytes of credit are left`,
      );
    }
    this.received = received;
  }

  /** Count bytes that were taken. @returns true when a grant is due. */
  consume(charge: number): boolean {
    this.consumed += charge;
    return this.due;
  }

  /** Whether so much was taken that the peer should hear of it. */
  get due(): boolean {
    return this.consumed >= this.#grantAt;
  }

  /**
   * Let the sender go on by `lent` bytes beyond the window: a message larger than it must be able to arrive.
   *
   * Small steps are worth a frame only where the sender is about to run dry: it keeps {@link reserveBytes} for the
   * message that credit is lent to, and half of that must be enough to have more lent.
   * @returns true when a grant is due.
   */
  lend(lent: number): boolean {
    const limit = this.consumed + this.window + lent;
    const scarce = this.limit - this.received < this.window >>> 2;
    const least = scarce ? reserveBytes(this.window) >>> 1 : this.window >>> 1;
    if (limit - this.limit < least) return false;
    this.limit = limit;
    return true;
  }

  /** Whether unread bytes fill more than half of the window although as many were taken since the last grant. */
  get crowded(): boolean {
    return this.due && this.received - this.consumed > this.window >>> 1;
  }

  /**
   * Move the limit ahead of what was consumed. Called when the grant is about to be sent.
   * @param roundTripMs - the shortest one seen; 0 while there is none
   * @param widen - double the window whatever the timing says
   * @param firstWindows - so many times the first size is always allowed
   */
  grant(now: number, roundTripMs: number, widen: boolean, firstWindows = 2): void {
    const fast = now - this.#grantedAtMs < 2 * roundTripMs;
    if (fast || widen) this.window *= 2;
    // Threads that take turns on a fast path need more than it holds to keep busy.
    const path =
      roundTripMs > 0 ? Math.max(roundTripMs * this.#bytesPerMs, this.#least * firstWindows) : this.window;
    this.window = Math.floor(Math.min(this.window, this.#most, path));
    this.#grantedAtMs = now;
    this.limit = Math.max(this.limit, this.consumed + this.window);
    this.#grantAt = this.limit - (this.window >>> 1);
  }
}

/**
 * Check a credit that the peer granted.
 * @param sent - position that this side has sent up to
 * @throws {ProtocolError} `ERR_FLOW` when it acknowledges bytes that were never sent, goes back, or is not possible.
 */
export function checkCredit(
  consumed: number,
  limit: number,
  sent: number,
  acknowledged: number,
  granted: number,
): void {
  if (
    consumed > sent ||
    consumed < acknowledged ||
    limit < granted ||
    limit - consumed > MAX_WINDOW_BYTES * 2
  ) {
    throw new ProtocolError(
      "ERR_FLOW",
      `Cannot accept credit ${consumed}..${limit}: sent ${sent}, had ${acknowledged}..${granted}`,
    );
  }
}
