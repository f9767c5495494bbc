import { readLayout } from "../../../src/channels/layout.ts";
import { Random } from "../../../src/testing/random.ts";
import { MAX_BYTES, spoil } from "./cases.ts";

/** What a thread is given that writes garbage into a channel while another one uses it. */
export interface VandalJob {
  readonly role: "vandal";
  readonly memory: SharedArrayBuffer;
  readonly seed: number;
  /** First word: {@link WRITING} from its first write on, {@link ENOUGH} when it is to stop. */
  readonly signal: SharedArrayBuffer;
  /** Index of the length of a message, to write nothing but that: what it is, and what it cannot be, in turns. */
  readonly lengthAt?: number;
}

/** What the first word of the signal says. */
export const WRITING = 1;
export const ENOUGH = 2;

/** Most that it does between two writes, looks at its signal: the channel is to be used meanwhile. */
const MOST_REST = 300;

/** Times that a length changes between two looks. */
const FLIPS = 20;

/** Write garbage until that is enough. @returns how often. */
export function vandalize({ memory, seed, signal, lengthAt }: VandalJob): number {
  const random = new Random(seed);
  const layout = readLayout(memory);
  const words = new Int32Array(memory);
  const stop = new Int32Array(signal);
  Atomics.store(stop, 0, WRITING);
  if (lengthAt !== undefined) return flip(words, lengthAt, stop);
  for (let writes = 0; ; writes++) {
    for (let rest = random.int(1, MOST_REST); rest > 0; rest--)
      if (Atomics.load(stop, 0) === ENOUGH) return writes;
    spoil(words, layout, random);
  }
}

/** A length that is right at one look and wrong at the next one: what was checked must not be read again. */
function flip(words: Int32Array, lengthAt: number, stop: Int32Array): number {
  let writes = 0;
  for (; Atomics.load(stop, 0) !== ENOUGH; writes += 2 * FLIPS) {
    for (let i = 0; i < FLIPS; i++) {
      Atomics.store(words, lengthAt, MAX_BYTES + 1);
      Atomics.store(words, lengthAt, MAX_BYTES);
    }
  }
  return writes;
}
