/** Bytes of a key that is made here: no two are ever the same. */
const KEY_BYTES = 16;
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** Random bytes for the next keys: asking for many at once costs hardly more than asking for a few. */
const random = new Uint8Array(KEY_BYTES * 64);
let used = random.length;

/** A new key for a call: 128 random bits as 22 characters of base64url. */
export function newIdempotencyKey(): string {
  if (used === random.length) {
    crypto.getRandomValues(random);
    used = 0;
  }
  let key = "";
  let bits = 0;
  let held = 0;
  for (const end = used + KEY_BYTES; used < end; used++) {
    held = (held << 8) | (random[used] as number);
    for (bits += 8; bits >= 6; bits -= 6) key += ALPHABET[(held >>> (bits - 6)) & 63];
    held &= 63;
  }
  return key + ALPHABET[(held << (6 - bits)) & 63];
}
