/** Random words for the next keys: asking for many at once costs hardly more than asking for a few. */
const random = new BigUint64Array(128);
let used = random.length;

/** A new key for a call, which no other call ever has: 128 random bits as 26 digits of base 36. */
export function newIdempotencyKey(): string {
  if (used === random.length) {
    crypto.getRandomValues(random);
    used = 0;
  }
  return nextDigits() + nextDigits();
}

function nextDigits(): string {
  return (random[used++] as bigint).toString(36).padStart(13, "0");
}
