import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Bytes } from "../../src/core/bytes.ts";
import type { Codec, DecodeLimits } from "../../src/core/codecs/codec.ts";
import { ProtocolError } from "../../src/core/errors.ts";

/** What the suite must know of a codec. */
export interface CodecSuite {
  /** A codec with these limits; those that are left out have their default. */
  readonly create: (limits?: Partial<DecodeLimits>) => Codec;
  /** Bytes and the value they stand for: `decode` gives the value, `encode` gives these bytes. */
  readonly vectors: readonly (readonly [value: unknown, hex: string])[];
  /** Bytes that `decode` refuses, and what the message names. */
  readonly malformed: readonly (readonly [hex: string, message: RegExp])[];
  /** Values that `encode` refuses. */
  readonly refused: readonly unknown[];
  /** Values that come back as they went. */
  readonly values: fc.Arbitrary<unknown>;
}

const FUZZ_RUNS = 20_000;
const KEYS = ["constructor", "prototype", "toString", "hasOwnProperty", "then", "toJSON", "__defineGetter__"];

/** Bytes of `hex`, which may hold spaces. */
export function fromHex(hex: string): Bytes {
  const digits = hex.replaceAll(" ", "");
  return Uint8Array.from({ length: digits.length / 2 }, (_, i) =>
    Number.parseInt(digits.slice(i * 2, i * 2 + 2), 16),
  );
}

/** Lower-case hex of `bytes`. */
export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** A value inside `depth` arrays. */
export function nest(depth: number): unknown {
  let value: unknown = 1;
  for (let i = 0; i < depth; i++) value = [value];
  return value;
}

/** What `decode` does: a value, or the error, which must be a ProtocolError with ERR_DECODE. */
export function decodeOrError(codec: Codec, bytes: Bytes): { value: unknown } | { error: ProtocolError } {
  try {
    return { value: codec.decode(bytes) };
  } catch (error) {
    if (!(error instanceof ProtocolError) || error.code !== "ERR_DECODE") throw error;
    if (!/^Cannot decode \w+: .*[^.]$/.test(error.message)) throw error;
    return { error };
  }
}

function expectRefused(codec: Codec, bytes: Bytes, message: RegExp): void {
  const result = decodeOrError(codec, bytes);
  expect("error" in result ? result.error.message : result.value).toMatch(message);
}

/** The contract of {@link Codec} for codecs of structured values. */
export function codecSuite(name: string, { create, vectors, malformed, refused, values }: CodecSuite): void {
  const codec = create();
  const fields = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, i]));

  describe(`${name}: codec contract`, () => {
    test("encode() and decode() match the bytes of the vectors", () => {
      for (const [value, hex] of vectors) {
        expect(toHex(codec.encode(value))).toBe(hex.replaceAll(" ", ""));
        expect(codec.decode(fromHex(hex))).toStrictEqual(value);
      }
    });

    test("decode() refuses malformed bytes and says why", () => {
      for (const [hex, message] of malformed) expectRefused(codec, fromHex(hex), message);
    });

    test("encode() refuses what it would change without a word", () => {
      for (const value of refused) {
        expect(() => codec.encode(value), String(value)).toThrow(TypeError);
        expect(() => codec.encode([{ a: value }]), String(value)).toThrow(TypeError);
      }
    });

    test("undefined as the whole value is zero bytes", () => {
      expect(codec.encode(undefined)).toHaveLength(0);
      expect(codec.decode(new Uint8Array(0))).toBe(undefined);
    });

    test("encode() leaves an undefined field out and turns an undefined element into null", () => {
      expect(codec.decode(codec.encode({ a: undefined, b: [undefined] }))).toStrictEqual({ b: [null] });
    });

    test("decode() gives back what encode() got", () => {
      fc.assert(
        fc.property(values, (value) => {
          expect(codec.decode(codec.encode(value))).toStrictEqual(value);
        }),
        { numRuns: 500 },
      );
    });

    test("encode() gives bytes that later calls do not change", () => {
      const sizes = [1, 10, 500, 1_023, 1_025, 5_000, 100_000, 3];
      const texts = sizes.map((size, i) => String(i).repeat(size));
      const encoded = texts.map((text) => codec.encode(text));
      for (let i = 0; i < 1_000; i++) codec.encode("x".repeat(i));
      expect(encoded.map((bytes) => codec.decode(bytes))).toStrictEqual(texts);
    });
  });

  describe(`${name}: limits`, () => {
    test("decode() bounds the depth", () => {
      const bytes = create({ maxDepth: 65 }).encode(nest(65));
      expect(codec.decode(codec.encode(nest(64)))).toStrictEqual(nest(64));
      expectRefused(codec, bytes, /maxDepth/);
      expect(create({ maxDepth: 65 }).decode(bytes)).toStrictEqual(nest(65));
      expectRefused(create({ maxDepth: 0 }), codec.encode([]), /maxDepth/);
      expect(create({ maxDepth: 0 }).decode(codec.encode(7))).toBe(7);
    });

    test("decode() bounds the elements, summed over all levels", () => {
      const value = [[], [1, 2], { a: 1, b: [] }, {}];
      const bytes = codec.encode(value);
      expect(create({ maxElements: 8 }).decode(bytes)).toStrictEqual(value);
      expectRefused(create({ maxElements: 7 }), bytes, /maxElements/);
      const many = codec.encode(new Array(65_537).fill(0));
      expectRefused(codec, many, /maxElements/);
      expect(create({ maxElements: 65_537 }).decode(many)).toHaveLength(65_537);
      expect(codec.decode(codec.encode(new Array(65_536).fill(0)))).toHaveLength(65_536);
    });

    test("decode() bounds the keys of each object", () => {
      expect(codec.decode(codec.encode([fields(256), fields(256)]))).toStrictEqual([
        fields(256),
        fields(256),
      ]);
      const inner = codec.encode([{ a: fields(257) }]);
      expectRefused(codec, inner, /maxKeys/);
      expect(create({ maxKeys: 257 }).decode(inner)).toStrictEqual([{ a: fields(257) }]);
      const around = { ...fields(200), z: fields(200), ...{ y: 1 } };
      expect(codec.decode(codec.encode(around))).toStrictEqual(around);
    });

    test("encode() refuses cycles and what is too deep, and works afterwards", () => {
      const cycle: Record<string, unknown> = {};
      cycle["self"] = [cycle];
      expect(() => codec.encode(cycle)).toThrow(TypeError);
      expect(() => codec.encode(nest(65))).toThrow(TypeError);
      expect(() => codec.encode(nest(100_000))).toThrow(TypeError);
      expect(codec.decode(codec.encode({ a: 1 }))).toStrictEqual({ a: 1 });
    });
  });

  describe(`${name}: hostile bytes`, () => {
    test.each(KEYS)("decode() keeps the key %s as plain data", (key) => {
      const decoded = codec.decode(codec.encode({ [key]: { polluted: 1 } })) as Record<string, unknown>;
      expect(Object.keys(decoded)).toStrictEqual([key]);
      expect(Object.getOwnPropertyDescriptor(decoded, key)?.value).toStrictEqual({ polluted: 1 });
      expect(Object.getPrototypeOf(decoded)).toBe(Object.prototype);
      expect(({} as Record<string, unknown>)["polluted"]).toBe(undefined);
    });

    test("decode() throws nothing but ProtocolError on random bytes", () => {
      const bytes = fc.oneof(fc.uint8Array({ maxLength: 64 }), jsonLike()) as fc.Arbitrary<Bytes>;
      fc.assert(
        fc.property(bytes, (input) => void decodeOrError(codec, input)),
        { numRuns: FUZZ_RUNS },
      );
    });

    test("decode() throws nothing but ProtocolError on valid bytes with one byte changed", () => {
      const change = fc.tuple(values, fc.nat(), fc.integer({ min: 0, max: 255 }));
      const damaged = ([value, position, byte]: [unknown, number, number]) => {
        const bytes = codec.encode(value).slice();
        if (bytes.length > 0) bytes[position % bytes.length] = byte;
        decodeOrError(codec, bytes);
      };
      fc.assert(fc.property(change, damaged), { numRuns: FUZZ_RUNS / 10 });
    });

    test("decode() refuses every beginning of a value, and a value with a byte behind it", () => {
      const sample = fc.sample(values, { numRuns: 200, seed: 1 });
      for (const value of sample) {
        const bytes = codec.encode({ value }).subarray(0, 400);
        const isWhole = bytes.length < 400;
        for (let end = 1; end < bytes.length; end++) {
          if ("value" in decodeOrError(codec, bytes.subarray(0, end)))
            expect.fail(`${toHex(bytes)} at ${end}`);
        }
        if (isWhole) expect(decodeOrError(codec, Uint8Array.of(...bytes, 0x31))).toHaveProperty("error");
      }
    });
  });
}

/** Bytes of texts that look like JSON more often than random bytes do. */
function jsonLike(): fc.Arbitrary<Uint8Array> {
  const token = fc.constantFrom(
    ...'[]{}:,"\\ \n0-1.e',
    "true",
    "null",
    '"a"',
    '"\\"',
    '"__proto__":',
    "\u00e9",
  );
  return fc.array(token, { maxLength: 24 }).map((tokens) => new TextEncoder().encode(tokens.join("")));
}

/** What any structured codec can carry: plain data without -0, undefined or a `__proto__` key. */
export function plainValues(leaf: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  const number = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0);
  const text = fc.string({ unit: "grapheme", maxLength: 300 });
  const key = fc.string({ maxLength: 40 }).filter((name) => name !== "__proto__");
  return fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.oneof(fc.constant(null), fc.boolean(), fc.maxSafeInteger(), number, text, leaf),
      fc.array(tie("value"), { maxLength: 20 }),
      fc.dictionary(key, tie("value"), { maxKeys: 20, noNullPrototype: true }),
    ),
  }))["value"] as fc.Arbitrary<unknown>;
}
