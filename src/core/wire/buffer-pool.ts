import type { Bytes } from "../bytes.ts";

const FIRST_SLAB_BYTES = 4_096;
/** Four of the longest records by default, with the length in front of each. */
const LARGEST_SLAB_BYTES = 4 * (65_536 + 1_024 + 4);

/**
 * Room for records, cut one behind the other from large slabs, so that a record costs no allocation of its own.
 *
 * Slabs grow with what is sent, so that a connection that says little holds little. No byte of a slab is written twice: it
 * is freed when the last view of it is, unless those that extend this know more. One pool serves many connections, which keeps an idle connection free of any buffer.
 */
export class BufferPool {
  /** The slab being filled. Write from `at` on, then say so with {@link commit}. */
  slab: Bytes = new Uint8Array(0);
  /** First free byte of the slab. */
  at = 0;

  /** Make sure that the slab has `bytes` free bytes; after this `slab` and `at` may be others. */
  reserve(bytes: number): void {
    if (this.slab.length - this.at >= bytes) return;
    const next = Math.min(Math.max(this.slab.length * 4, FIRST_SLAB_BYTES), LARGEST_SLAB_BYTES);
    this.slab = new Uint8Array(Math.max(bytes, next));
    this.at = 0;
  }

  /**
   * Take what was written from `start` to `end` out of the pool.
   * @returns a view of those bytes, now the caller's.
   */
  commit(start: number, end: number): Bytes {
    this.at = end;
    return this.slab.subarray(start, end);
  }
}

/** Room for one record at a time, which is written over by the next: for transports that are done with it at once. */
export class RecordRoom extends BufferPool {
  override commit(start: number, end: number): Bytes {
    return this.slab.subarray(start, end);
  }
}
