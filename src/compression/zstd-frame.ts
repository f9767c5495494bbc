import { badBytes } from "../core/compression/compressor.ts";

/** Largest window that is accepted, bytes (T27). */
const MOST_WINDOW_BYTES = 8_388_608;

const HEADER_BYTES = 5;
const BLOCK_HEADER_BYTES = 3;
const CHECKSUM_BYTES = 4;
/** Lengths of a dictionary's number, and of the content size, by their flags. */
const DICTIONARY_BYTES = [0, 1, 2, 4];
const RLE = 1;
const RESERVED = 3;

function littleEndian(bytes: Uint8Array, at: number, count: number): number {
  let value = 0;
  for (let i = count - 1; i >= 0; i--) value = value * 256 + (bytes[at + i] as number);
  return value;
}

/**
 * Check all that a frame says of itself before anything is made of it: it is one frame and nothing else, for `length`
 * bytes, with a window that is bounded and without a dictionary. What the libraries make of the rest differs: some stop
 * behind the first frame, some go on, some make room by what the frame says.
 * @throws {ProtocolError} `ERR_COMPRESS`
 * Source: RFC 8878, section 3.1.1.
 */
export function checkZstdFrame(frame: Uint8Array, length: number): void {
  if (frame.length < HEADER_BYTES || littleEndian(frame, 0, 4) !== 0xfd2fb528)
    throw badBytes("zstd", "it begins as no frame does");
  const descriptor = frame[4] as number;
  const single = (descriptor >>> 5) & 1;
  const sizeFlag = descriptor >>> 6;
  const sizeBytes = sizeFlag === 0 ? single : 1 << sizeFlag;
  const dictionaryBytes = DICTIONARY_BYTES[descriptor & 3] as number;
  const sizeAt = HEADER_BYTES + (1 - single) + dictionaryBytes;
  if (sizeAt + sizeBytes > frame.length) throw badBytes("zstd", "its header is cut off");
  if ((descriptor & 8) !== 0) throw badBytes("zstd", "a reserved bit is set");
  if (littleEndian(frame, sizeAt - dictionaryBytes, dictionaryBytes) !== 0)
    throw badBytes("zstd", "it asks for a dictionary");
  if (sizeBytes > 0) {
    const says = littleEndian(frame, sizeAt, sizeBytes) + (sizeBytes === 2 ? 256 : 0);
    if (says !== length) throw badBytes("zstd", `${says} bytes come out instead of ${length}`);
  }
  if (single === 0) checkWindow(frame[HEADER_BYTES] as number);
  const end = endOfBlocks(frame, sizeAt + sizeBytes) + ((descriptor & 4) === 0 ? 0 : CHECKSUM_BYTES);
  if (end !== frame.length) throw badBytes("zstd", `its frame has ${end} bytes, ${frame.length} came`);
}

function checkWindow(descriptor: number): void {
  const base = 2 ** (10 + (descriptor >>> 3));
  const bytes = base + (base / 8) * (descriptor & 7);
  if (bytes > MOST_WINDOW_BYTES) throw badBytes("zstd", `it asks for a window of ${bytes} bytes`);
}

/** Offset behind the last block of a frame; beyond the end where that is cut off. */
function endOfBlocks(frame: Uint8Array, start: number): number {
  let at = start;
  for (;;) {
    if (at + BLOCK_HEADER_BYTES > frame.length) throw badBytes("zstd", "a block is cut off");
    const header = littleEndian(frame, at, BLOCK_HEADER_BYTES);
    const kind = (header >>> 1) & 3;
    if (kind === RESERVED) throw badBytes("zstd", "a block is of no kind");
    at += BLOCK_HEADER_BYTES + (kind === RLE ? 1 : header >>> 3);
    if ((header & 1) === 1) return at;
  }
}
