import type { Bytes } from "../core/bytes.ts";

// V8 copies between shared memory and other memory by words where both begin at the same place of a word, and byte by byte
// where they do not, which takes some ten times as long. Between memory of one thread it does neither. So long copies that
// do not fit take the way over a stage that does.

const WORD_BYTES = 8;
/** Up to here bytes are copied one by one: `set` has a cost of its own, and a view more. */
const LOOP_BYTES_IN = 24;
const LOOP_BYTES_OUT = 48;
/** Copies that are shorter go as they are. */
const LEAST_STAGED_BYTES = 512;
/** Small enough to stay in the cache of a core. */
const STAGE_BYTES = 16_384;

let stage: Bytes | undefined;

/** How far into a word a place of the memory of a ring is, which begins with one. */
export function wordOffset(at: number): number {
  return at % WORD_BYTES;
}

/** Copy bytes into the memory of a ring. */
export function copyIn(into: Uint8Array, at: number, bytes: Uint8Array): void {
  const { length } = bytes;
  if (length <= LOOP_BYTES_IN) for (let i = 0; i < length; i++) into[at + i] = bytes[i] as number;
  else if (length < LEAST_STAGED_BYTES || wordOffset(bytes.byteOffset) === wordOffset(at))
    into.set(bytes, at);
  else {
    for (let done = 0; done < length; done += STAGE_BYTES) {
      const part = bytes.subarray(done, done + STAGE_BYTES);
      const staged = stageFor(at, part.length);
      staged.set(part);
      into.set(staged, at + done);
    }
  }
}

/** A copy in memory of this thread: codecs may keep views of what they decode, and not all read shared memory. */
export function copyOut(from: Uint8Array, at: number, length: number): Bytes {
  const bytes = new Uint8Array(length);
  if (length <= LOOP_BYTES_OUT) for (let i = 0; i < length; i++) bytes[i] = from[at + i] as number;
  else if (length < LEAST_STAGED_BYTES || wordOffset(at) === 0) bytes.set(from.subarray(at, at + length));
  else {
    for (let done = 0; done < length; done += STAGE_BYTES) {
      const part = from.subarray(at + done, at + Math.min(done + STAGE_BYTES, length));
      const staged = stageFor(at, part.length);
      staged.set(part);
      bytes.set(staged, done);
    }
  }
  return bytes;
}

/** Memory for a part that begins as far into a word as `at`. */
function stageFor(at: number, length: number): Bytes {
  stage ??= new Uint8Array(STAGE_BYTES + WORD_BYTES);
  const start = wordOffset(at);
  return stage.subarray(start, start + length);
}
