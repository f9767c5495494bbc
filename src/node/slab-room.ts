import type { Bytes } from "../core/bytes.ts";
import { BufferPool } from "../core/wire/buffer-pool.ts";

/** Two of the longest records by default, with the length in front of each. */
const SLAB_BYTES = 2 * (66_560 + 4);

/** Most slabs that a thread keeps for later, 2 MiB. */
const MOST_SPARE = 16;

/** Memory in which records lie one behind the other. */
export interface Slab {
  readonly bytes: Bytes;
  /** Records that the kernel does not have yet. */
  unsent: number;
}

/**
 * Room for the records of sockets, whose owners say when the kernel has one: a slab is used again when it has all that
 * lie in it. One serves all sockets of a thread. A record that is dropped keeps its slab from being used again, no more.
 */
export class SlabRoom extends BufferPool {
  #current: Slab = { bytes: this.slab, unsent: 0 };
  readonly #spare: Slab[] = [];

  override reserve(bytes: number): void {
    if (this.slab.length - this.at >= bytes) return;
    this.#keep(this.#current);
    const spare = bytes <= SLAB_BYTES ? this.#spare.pop() : undefined;
    this.#current = spare ?? { bytes: new Uint8Array(Math.max(bytes, SLAB_BYTES)), unsent: 0 };
    this.slab = this.#current.bytes;
    this.at = 0;
  }

  override commit(start: number, end: number): Bytes {
    this.#current.unsent++;
    return super.commit(start, end);
  }

  /** The slab of the record that was made last; `undefined` for bytes that were not made here. */
  slabOf(record: Uint8Array): Slab | undefined {
    return record.buffer === this.slab.buffer ? this.#current : undefined;
  }

  /** The kernel has one more record of the slab. */
  release(slab: Slab): void {
    slab.unsent--;
    if (slab !== this.#current) this.#keep(slab);
    else if (slab.unsent === 0) this.at = 0;
  }

  #keep(slab: Slab): void {
    const isSpare = slab.unsent === 0 && slab.bytes.length === SLAB_BYTES;
    if (isSpare && this.#spare.length < MOST_SPARE) this.#spare.push(slab);
  }
}

/** The room of this thread. */
export const SLAB_ROOM: SlabRoom = new SlabRoom();
