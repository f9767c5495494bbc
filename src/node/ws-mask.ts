/** Shorter ones are masked byte by byte: a view of words costs more. */
const LEAST_BYTES = 64;

const bytesOfWord: Uint8Array<ArrayBuffer> = new Uint8Array(4);
const word: Int32Array = new Int32Array(bytesOfWord.buffer);

/** Mask or unmask a message where it is. @param key - its four bytes, the first one on top. Source: RFC 6455, section 5.3. */
export function mask(message: Uint8Array, key: number): void {
  const { buffer, byteOffset, length } = message;
  // Words must lie at a multiple of their length.
  const first = length < LEAST_BYTES ? length : -byteOffset & 3;
  maskBytes(message, key, 0, first);
  if (first === length) return;
  for (let i = 0; i < 4; i++) bytesOfWord[i] = byteOf(key, first + i);
  const repeated = word[0] as number;
  const words = new Int32Array(buffer, byteOffset + first, (length - first) >>> 2);
  for (let i = 0; i < words.length; i++) words[i] = (words[i] as number) ^ repeated;
  maskBytes(message, key, first + words.length * 4, length);
}

function maskBytes(message: Uint8Array, key: number, from: number, to: number): void {
  for (let i = from; i < to; i++) message[i] = (message[i] as number) ^ byteOf(key, i);
}

function byteOf(key: number, at: number): number {
  return (key >>> (24 - ((at & 3) << 3))) & 0xff;
}
