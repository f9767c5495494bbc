/** Bytes that this process owns: backed by an `ArrayBuffer`, never by shared memory. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** No bytes. Frozen in length, so one instance serves every empty payload. */
export const EMPTY: Bytes = new Uint8Array(0);

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** UTF-8 bytes of `text`. Lone surrogates become U+FFFD, as the Encoding standard says. */
export function encodeText(text: string): Bytes {
  return encoder.encode(text) as Bytes;
}

/**
 * Text of UTF-8 `bytes`.
 * @throws {TypeError} when the bytes are not well-formed UTF-8.
 */
export function decodeText(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/** One array with the bytes of all `parts` in order. `total` is the sum of their lengths. */
export function concatBytes(parts: readonly Uint8Array[], total: number): Bytes {
  const joined = new Uint8Array(total);
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** Whether both arrays hold the same bytes. Takes time that depends on the content: not for secrets. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/**
 * `view` itself, or a copy of it when the buffer behind it is more than so many times as long.
 *
 * A small view that is kept for long would keep the whole received record in memory.
 */
export function detachView(view: Bytes, times: number = 4): Bytes {
  return view.length * times < view.buffer.byteLength ? view.slice() : view;
}
