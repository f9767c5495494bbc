import { type Bytes, EMPTY } from "../bytes.ts";

/** Small, because one message that waits for its acknowledgement keeps the whole slab alive. */
const SLAB_BYTES = 4_096;
const MAX_SHARED_BYTES = 1_024;

let slab = EMPTY;
let free = 0;

/**
 * A copy of `source` that is the caller's for good. Short copies are cut one behind the other from a shared slab,
 * which is never written twice: an `ArrayBuffer` of its own would cost a short message more than its encoding.
 */
export function copyOut(source: Bytes): Bytes {
  const { length } = source;
  if (length > MAX_SHARED_BYTES) return source.slice();
  if (length > slab.length - free) {
    slab = new Uint8Array(SLAB_BYTES);
    free = 0;
  }
  slab.set(source, free);
  free += length;
  return slab.subarray(free - length, free);
}
