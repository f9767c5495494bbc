import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fromHex, toHex } from "../../../test/conformance/codec.ts";
import { ProtocolError } from "../errors.ts";
import { Cursor, varintBytes, varintWidth, writeVarint } from "./varint.ts";

/** RFC 9000, appendix A.1 (its first vector is above 2^53 - 1 and stands under the refused ones). */
const RFC_VECTORS = [
  [494_878_333, "9d7f3e7d"],
  [15_293, "7bbd"],
  [37, "25"],
] as const;

const EDGES = [
  [0, "00"],
  [63, "3f"],
  [64, "4040"],
  [16_383, "7fff"],
  [16_384, "80004000"],
  [2 ** 30 - 1, "bfffffff"],
  [2 ** 30, "c000000040000000"],
  [2 ** 32 - 1, "c0000000ffffffff"],
  [2 ** 32, "c000000100000000"],
  [2 ** 53 - 1, "c01fffffffffffff"],
] as const;

const anyValue = fc.oneof(
  fc.maxSafeNat(),
  fc.nat(),
  fc.nat({ max: 20_000 }),
  fc.integer({ min: 0, max: 53 }).chain((bits) => fc.constantFrom(Math.max(0, 2 ** bits - 2), 2 ** bits - 1)),
);

function encode(value: number): Uint8Array {
  const bytes = new Uint8Array(varintBytes(value));
  expect(writeVarint(bytes, 0, value)).toBe(bytes.length);
  return bytes;
}

function errorOf(bytes: Uint8Array, end?: number): unknown {
  try {
    return new Cursor(bytes, 0, end).varint();
  } catch (error) {
    if (error instanceof ProtocolError && error.code === "ERR_PROTOCOL") return error.message;
    throw error;
  }
}

describe("varint", () => {
  test.each([...RFC_VECTORS, ...EDGES])("%d is %s on the wire", (value, hex) => {
    expect(toHex(encode(value))).toBe(hex);
    expect(varintBytes(value)).toBe(hex.length / 2);
    expect(new Cursor(fromHex(hex)).varint()).toBe(value);
  });

  test("every value comes back, and its first byte gives the width", () => {
    fc.assert(
      fc.property(anyValue, fc.nat({ max: 9 }), (value, before) => {
        const bytes = new Uint8Array(before + 8 + 1).fill(0xee);
        const end = writeVarint(bytes, before, value);
        const cursor = new Cursor(bytes, before);
        expect(cursor.varint()).toBe(value);
        expect(cursor.at).toBe(end);
        expect(end - before).toBe(varintWidth(bytes[before] as number));
        expect(bytes.subarray(0, before).every((byte) => byte === 0xee)).toBe(true);
        expect(bytes.subarray(end).every((byte) => byte === 0xee)).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  test("shorter means smaller: widths grow with the value", () => {
    fc.assert(
      fc.property(anyValue, anyValue, (a, b) => {
        if (a <= b) expect(varintBytes(a)).toBeLessThanOrEqual(varintBytes(b));
      }),
    );
  });
});

describe("Cursor", () => {
  test("reads varints one behind the other, and from a new start after reset()", () => {
    const hex = [...RFC_VECTORS, ...EDGES].map(([, digits]) => digits).join("");
    const values = [...RFC_VECTORS, ...EDGES].map(([value]) => value);
    const cursor = new Cursor(fromHex(hex));
    expect(values.map(() => cursor.varint())).toStrictEqual(values);
    expect(cursor.at).toBe(hex.length / 2);
    cursor.reset(fromHex("ff2500"), 1, 2);
    expect(cursor.varint()).toBe(37);
    expect(() => cursor.varint()).toThrow("Cannot read varint: bytes end inside it");
  });

  test.each([
    "4025",
    "4000",
    "403f",
    "80000000",
    "80003fff",
    "c000000000000000",
    "c00000003fffffff",
    "c000000000000025",
  ])("refuses %s, which is not the shortest form", (hex) => {
    expect(errorOf(fromHex(hex))).toMatch(/^Cannot accept varint \d+: not shortest$/);
  });

  test.each(["c2197c5eff14e88c", "c020000000000000", "ffffffffffffffff"])(
    "refuses %s, above 2^53 - 1",
    (hex) => {
      expect(errorOf(fromHex(hex))).toBe("Cannot accept varint: above 2^53 - 1");
    },
  );

  test("refuses a varint that ends too early, at each byte", () => {
    for (const [, hex] of [...RFC_VECTORS, ...EDGES]) {
      const bytes = fromHex(hex);
      for (let end = 0; end < bytes.length; end++) {
        const message = "Cannot read varint: bytes end inside it";
        expect(errorOf(bytes.subarray(0, end))).toBe(message);
        expect(errorOf(bytes, end), "bytes behind the end are not read").toBe(message);
      }
    }
  });

  test("gives a value that encodes to the same bytes, or throws ProtocolError, for any bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 9 }), (bytes) => {
        const value = errorOf(bytes);
        if (typeof value === "number")
          expect(encode(value)).toStrictEqual(bytes.slice(0, varintBytes(value)));
      }),
      { numRuns: 20_000 },
    );
  });
});
