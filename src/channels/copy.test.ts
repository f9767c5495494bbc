import { expect, test } from "vitest";
import { equalBytes } from "../core/bytes.ts";
import { copyIn, copyOut } from "./copy.ts";

const CANARY = 0xa5;
/** Both sides of each bound at which the copies take another way: bytes, as they are, over the stage, in parts. */
const LENGTHS = [0, 1, 24, 25, 48, 49, 511, 512, 513, 16_383, 16_384, 16_385, 40_001];

function pattern(length: number, seed: number): Uint8Array {
  return Uint8Array.from({ length }, (_, at) => (at * 31 + seed) & 0xff);
}

test.each(LENGTHS)("copyIn() and copyOut() keep %i bytes from and to every place of a word", (length) => {
  const ring = new Uint8Array(new SharedArrayBuffer(length + 32));
  for (let source = 0; source < 8; source++) {
    for (let place = 8; place < 16; place++) {
      const room = pattern(length + 8, source + place);
      const bytes = room.subarray(source, source + length);
      ring.fill(CANARY);
      copyIn(ring, place, bytes);
      const out = copyOut(ring, place, length);
      expect(equalBytes(out, bytes)).toBe(true);
      expect(out.buffer).toBeInstanceOf(ArrayBuffer);
      expect(ring.subarray(0, place).every((byte) => byte === CANARY)).toBe(true);
      expect(ring.subarray(place + length).every((byte) => byte === CANARY)).toBe(true);
    }
  }
});
