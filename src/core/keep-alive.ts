/** Unanswered pings in a row after which a peer counts as gone. */
const MOST_MISSES = 2;

/** A timer that fires later than this was held up by this process: the peer is asked again before it is judged, ms. */
const OWN_STALL_MS = 1_000;

/** Least time between two pings that only measure, ms. */
const MEASURE_EVERY_MS = 500;

/** Bytes that must arrive before a round trip is worth measuring for flow control. */
const MEASURE_BYTES = 65_536;

/** Weight of a sample in the smoothed round trip. Source: RFC 6298, section 2. */
const SMOOTHING = 1 / 8;

/**
 * Watches over one connection: asks a silent peer for a sign of life, judges it by the answer, and measures the
 * round trip.
 */
export class KeepAlive {
  /** Smoothed round trip, ms; 0 before the first answer. */
  roundTripMs = 0;
  /**
   * Shortest round trip, ms; 0 before the first answer. Flow control goes by it: a longer one is a queue on the way,
   * and a window that grows with the queue makes it longer.
   */
  leastRoundTripMs = 0;
  /** A PING should be sent. */
  pingDue = false;
  /** Number that the next PING carries. */
  token = 0;
  #intervalMs = 0;
  #heardAt: number;
  #sentAt = 0;
  #outstanding = false;
  /** When a silent peer was asked; `undefined` once it was heard. The PING may still wait for the transport. */
  #askedAt: number | undefined;
  #misses = 0;
  #bytes = 0;

  constructor(now: number) {
    this.#heardAt = now;
  }

  /** Begin to watch. @param intervalMs - silence after which to ask; 0 for never. */
  start(intervalMs: number, now: number): void {
    this.#intervalMs = intervalMs;
    this.#heardAt = now;
  }

  /** Bytes came from the peer. */
  heard(bytes: number, now: number): void {
    this.#heardAt = now;
    this.#askedAt = undefined;
    this.#misses = 0;
    this.#bytes += bytes;
    if (this.#bytes >= MEASURE_BYTES && !this.#outstanding && now - this.#sentAt >= MEASURE_EVERY_MS)
      this.pingDue = true;
  }

  /** A PING goes out, with {@link token}. */
  sent(now: number): void {
    if (this.#outstanding) this.token++;
    this.pingDue = false;
    this.#outstanding = true;
    this.#sentAt = now;
    this.#bytes = 0;
  }

  /** A PONG came. @returns its round trip in ms; `undefined` when it answers nothing. */
  answered(token: number, now: number): number | undefined {
    if (!this.#outstanding || token !== this.token) return undefined;
    this.#outstanding = false;
    this.token++;
    const sample = Math.max(0, now - this.#sentAt);
    if (this.leastRoundTripMs === 0 || sample < this.leastRoundTripMs) this.leastRoundTripMs = sample;
    this.roundTripMs =
      this.roundTripMs === 0 ? sample : this.roundTripMs + (sample - this.roundTripMs) * SMOOTHING;
    return sample;
  }

  /** When {@link handleTimeout} is due, ms; `undefined` for never. */
  get deadline(): number | undefined {
    if (this.#intervalMs === 0) return undefined;
    return (this.#askedAt ?? this.#heardAt) + this.#intervalMs;
  }

  /** Ask or judge. @returns false when the peer is gone. */
  handleTimeout(now: number): boolean {
    const { deadline } = this;
    if (deadline === undefined || now < deadline) return true;
    const ownStall = now - deadline > OWN_STALL_MS;
    if (this.#askedAt !== undefined && !ownStall && ++this.#misses >= MOST_MISSES) return false;
    this.#askedAt = now;
    this.pingDue = true;
    return true;
  }
}
