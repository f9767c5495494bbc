import type { Bytes } from "../core/bytes.ts";
import { BufferPool } from "../core/wire/buffer-pool.ts";

/** Bytes in front of each record that are its transport's: the longest header of a WebSocket frame. */
export const FRONT_BYTES = 14;

/** Two of the longest records by default, with the length in front of each. */
const SLAB_BYTES = 2 * (FRONT_BYTES + 66_560 + 4);

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
  override at: number = FRONT_BYTES;
  #current: Slab = { bytes: this.slab, unsent: 0 };
  readonly #spare: Slab[] = [];

  override reserve(bytes: number): void {
    if (this.slab.length - this.at >= bytes) return;
    this.#keep(this.#current);
    const spare = FRONT_BYTES + bytes <= SLAB_BYTES ? this.#spare.pop() : undefined;
    this.#current = spare ?? { bytes: new Uint8Array(Math.max(FRONT_BYTES + bytes, SLAB_BYTES)), unsent: 0 };
    this.slab = this.#current.bytes;
    this.at = FRONT_BYTES;
  }

  override commit(start: number, end: number): Bytes {
    this.#current.unsent++;
    const record = super.commit(start, end);
    this.at += FRONT_BYTES;
    return record;
  }

  /** The slab of the record that was made last; `undefined` for bytes that were not made here. */
  slabOf(record: Uint8Array): Slab | undefined {
    return record.buffer === this.slab.buffer ? this.#current : undefined;
  }

  /** The kernel has one more record of the slab. */
  release(slab: Slab): void {
    slab.unsent--;
    if (slab !== this.#current) this.#keep(slab);
    else if (slab.unsent === 0) this.at = FRONT_BYTES;
  }

  #keep(slab: Slab): void {
    const isSpare = slab.unsent === 0 && slab.bytes.length === SLAB_BYTES;
    if (isSpare && this.#spare.length < MOST_SPARE) this.#spare.push(slab);
  }
}

/** The room of this thread. */
export const SLAB_ROOM: SlabRoom = new SlabRoom();
