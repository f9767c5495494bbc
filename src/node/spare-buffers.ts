/** Length of a spare buffer: the longest record by default, with what may go in front of it. */
const SPARE_BYTES = 66_560;

/** Most that a thread keeps, 1 MiB. */
const MOST_SPARE = 16;

const spare: Buffer[] = [];

/** A buffer of at least `bytes`, with anything in it. Give it back with {@link giveBuffer} once nobody reads it. */
export function takeBuffer(bytes: number): Buffer {
  if (bytes > SPARE_BYTES) return Buffer.allocUnsafeSlow(bytes);
  return spare.pop() ?? Buffer.allocUnsafeSlow(SPARE_BYTES);
}

/** Nobody reads the buffer any more: it may be taken again. */
export function giveBuffer(buffer: Buffer): void {
  if (buffer.length === SPARE_BYTES && spare.length < MOST_SPARE) spare.push(buffer);
}
