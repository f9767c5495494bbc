import { describe, expect, test } from "vitest";
import { encodeText } from "../core/bytes.ts";
import { fingerprint } from "./fingerprint.ts";

/** The definition, in whole numbers. */
function plain(bytes: Uint8Array): string {
  let hash = 0xcbf29ce484222325n;
  for (const byte of bytes) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  return `${bytes.length}-${(hash >> 32n).toString(16)}-${(hash & 0xffffffffn).toString(16)}`;
}

describe("fingerprint()", () => {
  test.each([
    ["", "0-cbf29ce4-84222325"],
    ["a", "1-af63dc4c-8601ec8c"],
    ["foobar", "6-85944171-f73967e8"],
  ])("of %j is that of the published vectors", (text, expected) => {
    expect(fingerprint(encodeText(text))).toBe(expected);
  });

  test("is that of the definition", () => {
    const bytes = new Uint8Array(5_000);
    let state = 1;
    for (let i = 0; i < bytes.length; i++) {
      state = (state * 48_271) % 2_147_483_647;
      bytes[i] = state;
    }
    for (let length = 1; length <= bytes.length; length = length * 3 + 1) {
      expect(fingerprint(bytes.subarray(0, length))).toBe(plain(bytes.subarray(0, length)));
    }
    expect(fingerprint(new Uint8Array(300).fill(255))).toBe(plain(new Uint8Array(300).fill(255)));
  });
});
