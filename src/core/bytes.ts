/** Bytes that this process owns: backed by an `ArrayBuffer`, never by shared memory. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** No bytes. Frozen in length, so one instance serves every empty payload. */
export const EMPTY: Bytes = new Uint8Array(0);

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A text of so many characters is encoded here and copied, which takes a fifth of the time of an array by the encoder. */
const SHORT_CHARS = 340;
const scratch = new Uint8Array(3 * SHORT_CHARS);

/** UTF-8 bytes of `text`. Lone surrogates become U+FFFD, as the Encoding standard says. */
export function encodeText(text: string): Bytes {
  if (text.length > SHORT_CHARS) return encoder.encode(text);
  return scratch.slice(0, encoder.encodeInto(text, scratch).written);
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
 * `view` itself, or a copy of it when it uses less than a quarter of the buffer behind it.
 *
 * A small view that is kept for long would keep the whole received record in memory.
 */
export function detachView(view: Bytes): Bytes {
  return view.length * 4 < view.buffer.byteLength ? view.slice() : view;
}
