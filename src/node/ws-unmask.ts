/** Shorter ones are unmasked byte by byte: a view of words costs more. */
const LEAST_BYTES = 64;

const keyBytes: Uint8Array<ArrayBuffer> = new Uint8Array(4);
const keyWord: Int32Array = new Int32Array(keyBytes.buffer);

/** Mask or unmask a message where it is. @param key - four bytes. Source: RFC 6455, section 5.3. */
export function unmask(message: Uint8Array, key: Uint8Array): void {
  const { buffer, byteOffset, length } = message;
  // Words must lie at a multiple of their length.
  const first = length < LEAST_BYTES ? length : -byteOffset & 3;
  for (let i = 0; i < first; i++) message[i] = (message[i] as number) ^ (key[i & 3] as number);
  if (first === length) return;
  for (let i = 0; i < 4; i++) keyBytes[i] = key[(first + i) & 3] as number;
  const word = keyWord[0] as number;
  const words = new Int32Array(buffer, byteOffset + first, (length - first) >>> 2);
  for (let i = 0; i < words.length; i++) words[i] = (words[i] as number) ^ word;
  const rest = first + words.length * 4;
  for (let i = rest; i < length; i++) message[i] = (message[i] as number) ^ (key[i & 3] as number);
}
