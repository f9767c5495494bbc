/**
 * Sending side of a ring of slots. A claim is finished by `publish` before the next one is made.
 *
 * Slots of one claim lie in a row: `offset`, `offset + stride`, and so on, and do not cross the end of the ring.
 */
export interface SlotProducer {
  /** Byte offset in the shared memory of the first record of the last claim. */
  readonly offset: number;
  /**
   * Claim up to `want` slots.
   * @returns how many are claimed: fewer near the end of the ring, 0 when it is full.
   * @throws {ProtocolError} when the control words hold what cannot be.
   */
  claim(want: number): number;
  /** Let receivers see the first `count` of the claimed slots. The others stay empty: receivers pass them. */
  publish(count: number): void;
  /** Records in the ring, by a fresh look. */
  readonly depth: number;
}

/** Receiving side of a ring of slots. A claim is finished by `release` before the next one is made. */
export interface SlotConsumer {
  /** Byte offset in the shared memory of the first record of the last claim. */
  readonly offset: number;
  /**
   * Claim up to `want` records.
   * @returns how many are claimed: fewer near the end of the ring, 0 when there is none.
   * @throws {ProtocolError} when the control words hold what cannot be.
   */
  claim(want: number): number;
  /** Give the claimed slots back: all of them, or the first `count` where there is one receiver. */
  release(count: number): void;
  /** Records in the ring, by a fresh look; those that are claimed and not published count. */
  readonly depth: number;
}

/** Races for a position that a thread may lose in a row; more than that is the work of a peer that writes garbage. */
export const MOST_RACES = 100_000;
