import { NEVER } from "../time.ts";

/** Unanswered pings in a row after which a peer counts as gone. */
const MOST_MISSES = 2;

/** A timer that fires later than this was held up by this process: the peer is asked again before it is judged, ms. */
export const OWN_STALL_MS = 1_000;

/** A question that cannot wait is answered in so many round trips, and in no less than this, ms. */
const PROBE_ROUND_TRIPS = 8;
const PROBE_MS = 5_000;

/** What was written is asked about after so many round trips without a byte from the peer, and no less than this, ms. */
const STALL_ROUND_TRIPS = 4;
const STALL_MS = 1_000;

/** Least time between two pings that only measure, ms. */
const MEASURE_EVERY_MS = 500;

/** An answer that takes longer than this was dropped, ms. */
const ANSWER_MS = 15_000;

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

  readonly #watch: boolean;
  /** When the first record was written that nothing came after; `undefined` while there is none. */
  #writtenAt: number | undefined;
  /** What is done about that: nothing yet, the peer was asked, it counts as stalled. */
  #doubt: "none" | "asked" | "told" = "none";
  #doubtedAt = 0;
  /** How long the answer to a question that is urgent may take, ms; 0 while none is. */
  #urgentMs = 0;

  /** @param watch - whether to notice that nothing comes back, see {@link stalled} */
  constructor(now: number, watch = false) {
    this.#heardAt = now;
    this.#watch = watch;
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
    this.#misses = this.#urgentMs = 0;
    this.#writtenAt = undefined;
    this.#doubt = "none";
    this.#bytes += bytes;
    if (this.#bytes >= MEASURE_BYTES) this.measure(now);
  }

  /** Ask, unless that was done just now, or an answer may still be on its way. */
  measure(now: number): void {
    if (now - this.#sentAt >= (this.#outstanding ? ANSWER_MS : MEASURE_EVERY_MS)) this.pingDue = true;
  }

  /** A record was written. */
  wrote(now: number): void {
    this.#writtenAt ??= now;
  }

  /** Ask, and take silence for a broken connection sooner than usual. */
  probe(now: number): void {
    this.#askedAt = now;
    this.#misses = MOST_MISSES - 1;
    this.#urgentMs = Math.max(PROBE_MS, PROBE_ROUND_TRIPS * this.roundTripMs);
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

  /** When {@link handleTimeout} or {@link stalled} is due, ms; infinite for never. */
  get deadline(): number {
    return Math.min(this.#judgeAt, this.#stallAt);
  }

  get #judgeAt(): number {
    const waitMs = this.#urgentMs || this.#intervalMs;
    return waitMs === 0 ? NEVER : (this.#askedAt ?? this.#heardAt) + waitMs;
  }

  get #stallAt(): number {
    if (!this.#watch || this.#writtenAt === undefined || this.#doubt === "told") return NEVER;
    const waitMs = Math.max(STALL_MS, STALL_ROUND_TRIPS * this.roundTripMs);
    return this.#doubt === "none" ? this.#writtenAt + waitMs : this.#doubtedAt + 2 * waitMs;
  }

  /** Ask or judge. @returns false when the peer is gone. */
  handleTimeout(now: number): boolean {
    const judgeAt = this.#judgeAt;
    if (now < judgeAt) return true;
    if (now - judgeAt > OWN_STALL_MS) {
      this.probe(now);
      return true;
    }
    if (this.#askedAt !== undefined && ++this.#misses >= MOST_MISSES) return false;
    this.#askedAt = now;
    this.pingDue = true;
    return true;
  }

  /** Ask when nothing came back for what was written. @returns true, once, when the question was not answered. */
  stalled(now: number): boolean {
    const stallAt = this.#stallAt;
    if (now < stallAt) return false;
    if (this.#doubt === "none" || now - stallAt > OWN_STALL_MS) {
      this.#doubt = "asked";
      this.#doubtedAt = now;
      this.pingDue = true;
      return false;
    }
    this.#doubt = "told";
    return true;
  }
}
