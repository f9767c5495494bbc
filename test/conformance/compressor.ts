import { describe, expect, it } from "vitest";
import type { Bytes } from "../../src/core/bytes.ts";
import type { Compressor } from "../../src/core/compression/compressor.ts";
import { inputOf, KINDS, makeInput } from "../compression/inputs.ts";
import { codeOf } from "../refusal.ts";

/** What may come out of incompressible input, bytes. */
const roomFor = (length: number) => length + (length >>> 3) + 128;

/** `source`, compressed, with room for it in any case. */
export function compressed(compressor: Compressor, source: Uint8Array): Bytes {
  const into: Bytes = new Uint8Array(roomFor(source.length));
  const count = compressor.compress(source, into);
  expect(count).toBeGreaterThan(0);
  return into.slice(0, count);
}

/** What every compressor must do. @param inputs - how many inputs it is tried with */
export function compressorSuite(compressor: Compressor, inputs = 300): void {
  describe(`${compressor.name} as a compressor`, () => {
    it("gives back what it was given", () => {
      for (let index = 0; index < inputs; index++) {
        const { bytes, kind } = inputOf(index);
        const back = compressor.expand(compressed(compressor, bytes), bytes.length);
        expect(Buffer.compare(back, bytes), `${kind}, ${bytes.length} bytes, index ${index}`).toBe(0);
      }
    });

    it("gives back every length up to 300 bytes", () => {
      for (let length = 0; length <= 300; length++)
        for (const kind of ["zeros", "short period", "noise"]) {
          const source = makeInput(kind, length, 3);
          expect(Buffer.compare(compressor.expand(compressed(compressor, source), length), source)).toBe(0);
        }
    });

    it("gives plain arrays", () => {
      for (const length of [200, 9_000]) {
        const bytes = compressor.expand(compressed(compressor, makeInput("json", length, 1)), length);
        expect(Object.getPrototypeOf(bytes)).toBe(Uint8Array.prototype);
      }
    });

    it("puts what comes out where it is told to, and nothing behind it", () => {
      for (const length of [200, 9_000]) {
        const source = makeInput("json", length, 2);
        const around: Bytes = new Uint8Array(length + 100).fill(0xa5);
        const into = around.subarray(0, length + 60);
        const bytes = compressor.expand(compressed(compressor, source), length, into);
        expect([bytes.buffer === around.buffer, bytes.byteOffset, bytes.length]).toEqual([true, 0, length]);
        expect(bytes).toEqual(source);
        expect(around.subarray(length)).toEqual(new Uint8Array(100).fill(0xa5));
      }
    });

    it("makes structured data shorter", () => {
      for (const kind of ["zeros", "runs", "json", "logs", "binary"]) {
        const source = makeInput(kind, 20_000, 1);
        expect(compressed(compressor, source).length, kind).toBeLessThan(15_000);
      }
    });

    it("writes nothing beyond the array it is given, however short that is", () => {
      const source = makeInput("json", 3_000, 5);
      const { length } = compressed(compressor, source);
      for (const room of [0, 1, 2, 5, 17, 100, length - 1, length, length + 1]) {
        const whole = new Uint8Array(room + 64).fill(0xa5);
        const count = compressor.compress(source, whole.subarray(0, room));
        expect(count).toBeLessThanOrEqual(room);
        if (room < length) expect(count).toBe(0);
        expect(whole.subarray(room)).toEqual(new Uint8Array(64).fill(0xa5));
      }
    });

    it("leaves its input as it is", () => {
      const source = makeInput("logs", 5_000, 5);
      const before = source.slice();
      const short = compressed(compressor, source);
      expect(source).toEqual(before);
      const shortBefore = short.slice();
      compressor.expand(short, source.length);
      expect(short).toEqual(shortBefore);
    });

    it("takes views into larger arrays", () => {
      const around = new Uint8Array(9_000).fill(0xee);
      const source = makeInput("json", 4_000, 6);
      around.set(source, 1_003);
      const short = compressed(compressor, around.subarray(1_003, 5_003));
      around.set(short, 77);
      expect(compressor.expand(around.subarray(77, 77 + short.length), 4_000)).toEqual(source);
    });

    it("refuses another length than the one that comes out", () => {
      const short = compressed(compressor, makeInput("json", 2_000, 7));
      for (const length of [0, 1, 1_999, 2_001, 60_000])
        expect(codeOf(() => compressor.expand(short, length))).toBe("ERR_COMPRESS");
    });

    it("refuses every truncation", () => {
      const source = makeInput("json", 700, 8);
      const short = compressed(compressor, source);
      for (let end = 0; end < short.length; end++)
        expect(codeOf(() => compressor.expand(short.slice(0, end), source.length))).toBe("ERR_COMPRESS");
    });

    it("ends every corruption in bytes of that length or in an error", () => {
      let refused = 0;
      for (const kind of Object.keys(KINDS)) {
        const source = makeInput(kind, 400, 9);
        const short = compressed(compressor, source);
        for (let at = 0; at < Math.min(short.length, 200); at++)
          for (const flip of [0x01, 0x80, 0xff]) {
            const bad = short.slice();
            bad[at] = (bad[at] as number) ^ flip;
            const code = codeOf(() => expect(compressor.expand(bad, 400).length).toBe(400));
            expect(["none", "ERR_COMPRESS"]).toContain(code);
            if (code !== "none") refused++;
          }
      }
      expect(refused).toBeGreaterThan(100);
    });

    it("refuses noise, and an empty block", () => {
      let refused = 0;
      for (let seed = 0; seed < 500; seed++) {
        const code = codeOf(() => compressor.expand(makeInput("noise", 1 + (seed % 90), seed), 300));
        expect(["none", "ERR_COMPRESS"]).toContain(code);
        if (code !== "none") refused++;
      }
      expect(refused).toBeGreaterThan(450);
      expect(codeOf(() => compressor.expand(new Uint8Array(0), 10))).toBe("ERR_COMPRESS");
    });

    it("does not depend on what was compressed before", () => {
      const source = makeInput("json", 3_000, 10);
      const first = compressed(compressor, source);
      compressed(compressor, makeInput("json", 9_000, 11));
      expect(compressed(compressor, source)).toEqual(first);
    });
  });
}
