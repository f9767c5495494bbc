import type { Bytes } from "../bytes.ts";
import { ProtocolError } from "../errors.ts";
import { Cursor, varintBytes, writeVarint } from "../wire/varint.ts";
import type { Compressor } from "./compressor.ts";

/** What comes out may always be so long, bytes. */
const FREE_BYTES = 65_536;

/** Bytes that may come out beyond that for each byte that went in (T26). */
const MOST_RATIO = 100;

/** What shrinks by less than 1 / 2^3 stays as it is: expanding it costs the receiver more than it saves. */
const LEAST_GAIN_SHIFT = 3;

/** Where compressed bytes are put together; nothing of one call is left for the next to read. */
let scratch: Bytes = new Uint8Array(0);

/** At most this much scratch is kept between calls, bytes: the longest record there can be. */
const MOST_SCRATCH_BYTES = 1_049_600;

/** Whether `length` bytes may come out of `compressed` bytes. */
function isAllowed(length: number, compressed: number): boolean {
  return length <= FREE_BYTES + MOST_RATIO * compressed;
}

/**
 * A shorter form of `source`.
 * @returns a view that holds until the next call; `undefined` when `source` does not shrink enough to be worth it.
 */
export function shrink(compressor: Compressor, source: Uint8Array): Bytes | undefined {
  const { length } = source;
  const most = length - (length >>> LEAST_GAIN_SHIFT) - varintBytes(length);
  if (most <= 0) return undefined;
  let into = scratch;
  if (into.length < most) {
    into = new Uint8Array(most);
    if (most <= MOST_SCRATCH_BYTES) scratch = into;
  }
  const count = compressor.compress(source, into.subarray(0, most));
  return count > 0 && isAllowed(length, count) ? into.subarray(0, count) : undefined;
}

/**
 * Write what a compressed record, or block, begins with.
 *
 *     number  1 byte    the compressor
 *     length  varint    bytes that come out
 *     data    to the end
 *
 * @returns the offset behind it.
 */
export function writeEnvelope(into: Uint8Array, at: number, number: number, length: number): number {
  into[at] = number;
  return writeVarint(into, at + 1, length);
}

/**
 * Read such a block and expand it. The length is checked before anything is allocated.
 * @param find - the compressor of a number; `undefined` where none was agreed
 * @param maxBytes - most bytes that may come out
 * @param room - an array that is used where they fit
 * @throws {ProtocolError} `ERR_PROTOCOL` for a number that was not agreed, `ERR_COMPRESS` when too many bytes would come
 *   out, or others than it says.
 */
export function expandEnvelope(
  block: Bytes,
  find: (number: number) => Compressor | undefined,
  maxBytes: number,
  room?: Bytes,
): Bytes {
  const number = block[0] as number;
  const compressor = find(number);
  if (compressor === undefined)
    throw new ProtocolError("ERR_PROTOCOL", `Cannot expand: compressor ${number} was not agreed`);
  const cursor = new Cursor(block, 1, block.length);
  const length = cursor.varint();
  const data = block.subarray(cursor.at);
  if (length === 0 || data.length === 0)
    throw new ProtocolError("ERR_COMPRESS", "Cannot expand: there is nothing in it");
  if (length > maxBytes)
    throw new ProtocolError("ERR_COMPRESS", `Cannot expand to ${length} bytes: limit is ${maxBytes}`);
  if (!isAllowed(length, data.length))
    throw new ProtocolError("ERR_COMPRESS", `Cannot expand ${data.length} bytes to ${length}: a bomb`);
  return compressor.expand(data, length, room !== undefined && room.length >= length ? room : undefined);
}
