import { type Bytes, concatBytes, detachView, EMPTY } from "../bytes.ts";

/** Pieces shorter than this are gathered in arrays of this length: they must not cost an object each (T2). */
const GATHER_BYTES = 1_024;

/** Bytes that come in pieces, until all of them are here. They are copied once, when they are joined. */
export class Parts {
  /** Bytes that are here. */
  length = 0;
  readonly #parts: Bytes[] = [];
  /** Where short pieces are gathered: the array behind the last part, and its bytes that are used. */
  #gathered: Bytes = EMPTY;
  #gatheredBytes = 0;

  /** Keep a piece; the caller gives it away. It holds no more memory than four times what it needs. */
  add(piece: Bytes): void {
    this.length += piece.length;
    if (piece.length >= GATHER_BYTES) {
      this.#gathered = EMPTY;
      this.#parts.push(detachView(piece));
      return;
    }
    if (this.#gathered.length === 0 || this.#gatheredBytes + piece.length > GATHER_BYTES) {
      this.#gathered = new Uint8Array(GATHER_BYTES);
      this.#gatheredBytes = 0;
      this.#parts.push(EMPTY);
    }
    this.#gathered.set(piece, this.#gatheredBytes);
    this.#gatheredBytes += piece.length;
    this.#parts[this.#parts.length - 1] = this.#gathered.subarray(0, this.#gatheredBytes);
  }

  /** All of it in one array, the caller's to keep. */
  join(): Bytes {
    return concatBytes(this.#parts, this.length);
  }
}
