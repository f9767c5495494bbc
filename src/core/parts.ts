import { type Bytes, detachView, EMPTY } from "./bytes.ts";

/** A record from this length on lies in memory of its own, which is used again. */
export const LEAST_OWN_BYTES = 16_384;

/** Such a record of this thread that is not needed any more: the next of its length is put into it. */
let spare: Bytes = EMPTY;

/** Nobody holds anything of a record: its memory may be used again. */
export function giveRecord(record: Bytes): void {
  if (record.length >= LEAST_OWN_BYTES) spare = record;
}

/** Bytes that come in pieces, until all of them are here. Nothing of a piece is kept. */
export class Parts {
  /** Bytes that are here. */
  length = 0;
  /** Where they are gathered. What of it is behind them may hold anything. */
  room: Bytes = EMPTY;

  /**
   * Take a copy of a piece. The room grows with what is here, and is no more than four times that (T2). One that was given
   * back serves where it has the length that is needed.
   * @param most - bytes that all pieces have at most; no more room than that is made
   */
  add(piece: Uint8Array, most: number): void {
    const at = this.length;
    const length = at + piece.length;
    const { room } = this;
    if (length > room.length) {
      // A power of four, because what is sent is often as long as one.
      const next = length * 4 < most ? 4 ** Math.ceil(Math.log2(length) / 2) : most;
      this.room = spare.length === next ? spare : new Uint8Array(next);
      if (this.room === spare) spare = EMPTY;
      this.room.set(room.subarray(0, at));
    }
    this.room.set(piece, at);
    this.length = length;
  }

  /** All of it in one array, the caller's to keep: it holds no more than twice its bytes. Begins again. */
  take(): Bytes {
    const all = detachView(this.room.subarray(0, this.length), 2);
    this.room = EMPTY;
    this.length = 0;
    return all;
  }
}
