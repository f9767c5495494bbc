import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fromHex } from "../../../test/conformance/codec.ts";
import { decodeText, encodeText } from "../bytes.ts";
import { findBadUtf8, findNonAscii } from "./utf8.ts";

function isWellFormed(bytes: Uint8Array): boolean {
  try {
    decodeText(bytes);
    return true;
  } catch {
    return false;
  }
}

describe("findBadUtf8()", () => {
  test.each([
    ["c080", 0, "overlong"],
    ["c1bf", 0, "overlong"],
    ["e09fbf", 0, "overlong"],
    ["f08fbfbf", 0, "overlong"],
    ["eda080", 0, "surrogate"],
    ["edbfbf", 0, "surrogate"],
    ["f4908080", 0, "above U+10FFFF"],
    ["f5808080", 0, "lead byte that never is"],
    ["61 80", 1, "stray continuation"],
    ["c3a9 e282", 2, "cut off"],
    ["f09f98 41", 0, "interrupted"],
    ["c3a9 ed9fbf ee8080 f48fbfbf 7f", -1, "well-formed"],
  ])("%s at %i: %s", (hex, expected) => {
    const bytes = fromHex(hex);
    expect(findBadUtf8(bytes, 0, bytes.length)).toBe(expected);
  });

  test("agrees with TextDecoder on all pairs of bytes", () => {
    for (let i = 0; i < 0x1_0000; i++) {
      const bytes = Uint8Array.of(i >>> 8, i & 0xff);
      if (findBadUtf8(bytes, 0, 2) < 0 !== isWellFormed(bytes)) expect.fail(`at ${i}`);
    }
  });

  test("agrees with TextDecoder on sequences of unlikely bytes", () => {
    const edges = [
      0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc2, 0xdf, 0xe0, 0xe1, 0xed, 0xef, 0xf0, 0xf1,
    ];
    const byte = fc.constantFrom(...edges, 0xf4, 0xf5, 0xff);
    fc.assert(
      fc.property(fc.array(byte, { maxLength: 8 }), (list) => {
        const bytes = Uint8Array.from(list);
        expect(findBadUtf8(bytes, 0, bytes.length) < 0).toBe(isWellFormed(bytes));
      }),
      { numRuns: 20_000 },
    );
  });

  test("does not read beyond the end", () => {
    const bytes = encodeText("aé");
    expect(findBadUtf8(bytes, 0, 2)).toBe(1);
    expect(findBadUtf8(bytes, 0, 3)).toBe(-1);
  });
});

describe("findNonAscii()", () => {
  test("finds the first byte at any alignment and length", () => {
    for (const length of [0, 1, 255, 256, 257, 300]) {
      for (let shift = 0; shift < 5; shift++) {
        const bytes = new Uint8Array(new ArrayBuffer(length + 16), shift, length + 8).fill(0x61);
        bytes[length + 5] = 0xff; // behind the end
        expect(findNonAscii(bytes, 3, length + 3)).toBe(length + 3);
        for (const position of [0, 1, 2, 3, 128, length - 1]) {
          if (position < 0 || position >= length) continue;
          bytes[position + 3] = 0x80;
          expect(findNonAscii(bytes, 3, length + 3)).toBe(position + 3);
          bytes[position + 3] = 0x61;
        }
      }
    }
  });
});
