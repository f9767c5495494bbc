import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeOrError, fromHex, toHex } from "../../../test/conformance/codec.ts";
import { anySchemaAndValue } from "../../../test/random-schema.ts";
import type { Bytes } from "../bytes.ts";
import type { Codec } from "../codecs/codec.ts";
import type { CompiledSchema } from "./compiled.ts";
import { schema as s } from "./index.ts";

type Vector = readonly [schema: CompiledSchema<unknown>, value: unknown, hex: string];

const any = (schema: CompiledSchema<unknown>) => schema as unknown as CompiledSchema<unknown>;
const point = s.struct({ x: s.u8, name: s.string, y: s.optional(s.u8), z: s.optional(s.string) });
const shapes = s.union("kind", { dot: s.struct({}), line: s.struct({ length: s.u8 }) });

/** Made by hand from docs/protocol.md, section 13. */
const VECTORS: readonly Vector[] = [
  [s.nothing, undefined, ""],
  [s.bool, true, "01"],
  [s.u8, 255, "ff"],
  [s.i8, -1, "ff"],
  [s.u16, 258, "0102"],
  [s.i16, -2, "fffe"],
  [s.u32, 0xdeadbeef, "deadbeef"],
  [s.i32, -2, "fffffffe"],
  [s.u64, 2n ** 64n - 2n, "fffffffffffffffe"],
  [s.i64, -2n, "fffffffffffffffe"],
  [s.f32, 1.5, "3fc00000"],
  [s.f64, 1.5, "3ff8000000000000"],
  [s.f64, Number.NEGATIVE_INFINITY, "fff0000000000000"],
  [s.uint, 63, "3f"],
  [s.uint, 64, "4040"],
  [s.uint, 16_384, "80004000"],
  [s.uint, 2 ** 30, "c000000040000000"],
  [s.uint, 2 ** 53 - 1, "c01fffffffffffff"],
  [s.int, 0, "00"],
  [s.decimal(2), 0, "00"],
  [s.decimal(2), 0.07, "0e"],
  [s.decimal(2), -0.07, "0f"],
  [s.decimal(2), 64_000.25, "80c35032"],
  [s.decimal(2), 100, "80004e20"],
  [s.decimal(15), -0.999999999999999, "c0071afd498cffff"],
  [s.int, -1, "03"],
  [s.int, 31, "3e"],
  [s.int, 32, "4040"],
  [s.int, 2 ** 53 - 1, "c03ffffffffffffe"],
  [s.int, -(2 ** 53) + 1, "c03fffffffffffff"],
  [s.bigint, 0n, "00"],
  [s.bigint, 255n, "02ff"],
  [s.bigint, -256n, "050100"],
  [s.timestamp, 0, "00000000000000"],
  [s.timestamp, -1, "ffffffffffffff"],
  [s.timestamp, 8.64e15, "1eb208c2dc0000"],
  [s.date, new Date(1), "00000000000001"],
  [s.string, "", "00"],
  [s.string, "hé", "0368c3a9"],
  [s.bytes, Uint8Array.of(1, 2), "020102"],
  [s.enumOf("a", "b"), "b", "01"],
  [s.array(s.u16), [1, 2], "0200010002"],
  [s.array(s.string), ["a", ""], "02016100"],
  [s.map(s.u8, s.bool), new Map([[7, true]]), "010701"],
  [s.record(s.u8), { k: 7 }, "01016b07"],
  [s.tuple(s.u8, s.string), [1, "a"], "010161"],
  [s.nullable(s.u8), null, "00"],
  [s.nullable(s.u8), 7, "0107"],
  [s.struct({}), {}, "00"],
  [point, { x: 1, name: "a" }, "01016100"],
  [point, { x: 1, name: "a", y: 2 }, "010161020102"],
  [point, { x: 1, name: "a", z: "b" }, "01016103020162"],
  [point, { x: 1, name: "a", y: 2, z: "b" }, "0101610403020162"],
  // Fixed fields first, then the others.
  [s.struct({ name: s.string, x: s.u8 }), { x: 1, name: "a" }, "01016100"],
  [shapes, { kind: "dot" }, "0000"],
  [shapes, { kind: "line", length: 9 }, "010900"],
];

const MALFORMED: readonly (readonly [CompiledSchema<unknown>, string, RegExp])[] = [
  [s.bool, "02", /boolean 2/],
  [s.bool, "", /end inside/],
  [s.u8, "0101", /1 bytes behind/],
  [s.nothing, "00", /1 bytes behind/],
  [s.uint, "403f", /shortest/],
  [s.decimal(2), "01", /negative zero/],
  [s.decimal(2), "c0071afd498d0000", /decimal of more than 15 digits/],
  [s.decimal(2), "c0071afd498d0001", /decimal of more than 15 digits/],
  [s.uint, "8000003f", /shortest/],
  [s.uint, "c00000003fffffff", /shortest/],
  [s.uint, "c020000000000000", /2\^53/],
  [s.int, "c040000000000000", /2\^53/],
  [s.int, "01", /negative zero/],
  [s.bigint, "01", /negative zero/],
  [s.bigint, "0200", /shortest/],
  [s.bigint, "4802", /1025 bytes/],
  [s.timestamp, "1eb208c2dc0001", /Date/],
  [s.timestamp, "80000000000000", /Date/],
  [s.string, "01ff", /UTF-8/],
  [s.string, "02c080", /UTF-8/],
  [s.string, "03eda080", /UTF-8/],
  [s.string, "0561", /end inside/],
  [s.bytes, "0501", /end inside/],
  [s.enumOf("a"), "01", /member 1/],
  [s.nullable(s.u8), "02", /presence 2/],
  [s.array(s.u8), "0500", /elements declared/],
  [s.array(s.u64), "020000000000000000", /elements declared/],
  [s.map(s.u8, s.u8), "0201010101", /twice/],
  [s.record(s.u8), "02016b01016b02", /twice/],
  [shapes, "02", /case 2/],
  [point, "0101610100", /presence bits/],
  [point, "010161028081", /presence bits/],
  [point, "01016103010203", /bytes behind the optional/],
  [point, "0101610101", /end inside/],
  [point, "01016105030202", /end inside/],
];

const bytesOf = (hex: string) => fromHex(hex);
const anyBytes = fc.uint8Array({ maxLength: 40 }) as fc.Arbitrary<Bytes>;

describe("compiled schema: bytes", () => {
  test.each(VECTORS.map(([schema, value, hex]) => [schema.descriptor, hex, schema, value] as const))(
    "%s: %s",
    (_, hex, schema, value) => {
      expect(toHex(any(schema).encode(value))).toBe(hex);
      expect(any(schema).decode(bytesOf(hex))).toStrictEqual(value);
    },
  );

  test.each(MALFORMED.map(([schema, hex, message]) => [schema.descriptor, hex, schema, message] as const))(
    "decode() of %s refuses %s",
    (_, hex, schema, message) => {
      const result = decodeOrError(any(schema) as Codec, bytesOf(hex));
      expect("error" in result ? result.error.message : result.value).toMatch(message);
    },
  );

  test("decode() gives back what encode() got, for any schema", () => {
    fc.assert(
      fc.property(anySchemaAndValue(), ([schema, value]) => {
        const bytes = schema.encode(value);
        expect(schema.decode(bytes)).toStrictEqual(value);
        expect(toHex(schema.encode(schema.decode(bytes)))).toBe(toHex(bytes));
      }),
      { numRuns: 400 },
    );
  });

  test("texts of every length and width come back", () => {
    for (const unit of ["a", "é", "€", "😀", "\ufeff"]) {
      for (let count = 0; count < 140; count++) {
        const text = `${unit.repeat(count)}${count % 2 ? "z" : ""}`;
        expect(s.string.decode(s.string.encode(text))).toBe(text);
      }
      const long = unit.repeat(6_000);
      expect(s.string.decode(s.string.encode(long))).toBe(long);
      expect(s.array(s.string).decode(s.array(s.string).encode([long, "a", long]))).toStrictEqual([
        long,
        "a",
        long,
      ]);
    }
    expect(s.string.decode(s.string.encode("a\ud800b"))).toBe("a\ufffdb");
  });

  test("an optional part of every length comes back", () => {
    const schema = s.struct({ id: s.u8, text: s.optional(s.string), rest: s.optional(s.u8) });
    for (const length of [0, 1, 60, 61, 62, 63, 64, 5_000, 16_379, 16_380, 16_381, 16_382, 16_383, 20_000]) {
      const value = { id: 1, text: "x".repeat(length), rest: 2 };
      expect(schema.decode(schema.encode(value))).toStrictEqual(value);
    }
  });

  test("encode() gives bytes that later calls do not change", () => {
    const sizes = [1, 10, 500, 1_023, 1_025, 4_094, 5_000, 100_000, 3];
    const texts = sizes.map((size, i) => String(i).repeat(size));
    const encoded = texts.map((text) => s.string.encode(text));
    for (let i = 0; i < 1_000; i++) s.string.encode("x".repeat(i));
    expect(encoded.map((bytes) => s.string.decode(bytes))).toStrictEqual(texts);
  });

  test("a getter may encode another value", () => {
    const inner = s.struct({ a: s.string });
    const schema = s.struct({ head: s.string, body: s.bytes });
    const value = {
      head: "head",
      get body() {
        return inner.encode({ a: "inside" });
      },
    };
    const decoded = schema.decode(schema.encode(value));
    expect(inner.decode(decoded.body as Bytes)).toStrictEqual({ a: "inside" });
    expect(schema.decode(schema.encode({ head: "x", body: new Uint8Array(2) })).head).toBe("x");
  });

  test("decoded bytes are plain views of the message, of a Buffer too", () => {
    const message = Buffer.from(s.bytes.encode(Uint8Array.of(1, 2, 3)));
    const decoded = s.bytes.decode(message as unknown as Bytes);
    expect(decoded.constructor).toBe(Uint8Array);
    expect(decoded.buffer).toBe(message.buffer);
  });

  test("decoded structs are plain objects", () => {
    const decoded = point.decode(point.encode({ x: 1, name: "a", y: 2 }));
    expect(Object.getPrototypeOf(decoded)).toBe(Object.prototype);
    expect(Object.keys(decoded)).toStrictEqual(["x", "name", "y"]);
    expect(decoded).toStrictEqual({ x: 1, name: "a", y: 2 });
  });
});

describe("compiled schema: hostile bytes", () => {
  test("decode() throws nothing but ProtocolError on random bytes", () => {
    fc.assert(
      fc.property(
        anySchemaAndValue(2),
        fc.array(anyBytes, { minLength: 20, maxLength: 60 }),
        ([schema], inputs) => {
          for (const bytes of inputs) decodeOrError(schema, bytes);
        },
      ),
      { numRuns: 300 },
    );
  });

  test("decode() throws nothing but ProtocolError on each byte changed, and gives a value of the schema", () => {
    fc.assert(
      fc.property(anySchemaAndValue(2), fc.nat(255), ([schema, value], byte) => {
        const bytes = schema.encode(value).slice(0, 300);
        for (let i = 0; i < bytes.length; i++) {
          const before = bytes[i] as number;
          bytes[i] = byte;
          const result = decodeOrError(schema, bytes);
          if ("value" in result)
            expect(schema["~standard"].validate(result.value)).not.toHaveProperty("issues");
          bytes[i] = before;
        }
      }),
      { numRuns: 120 },
    );
  });

  test("decode() refuses every beginning of a value, and a value with a byte behind it", () => {
    fc.assert(
      fc.property(anySchemaAndValue(2), ([schema, value]) => {
        const bytes = schema.encode(value).slice();
        for (let end = 0; end < Math.min(bytes.length, 300); end++) {
          expect(decodeOrError(schema, bytes.subarray(0, end))).toHaveProperty("error");
        }
        expect(decodeOrError(schema, Uint8Array.of(...bytes, 0))).toHaveProperty("error");
      }),
      { numRuns: 120 },
    );
  });

  test("a record keeps hostile keys as plain data", () => {
    const schema = s.record(s.u8);
    const decoded = schema.decode(bytesOf("02095f5f70726f746f5f5f07047468656e08"));
    expect(Object.keys(decoded)).toStrictEqual(["__proto__", "then"]);
    expect(Object.getPrototypeOf(decoded)).toBe(Object.prototype);
    expect(Object.getOwnPropertyDescriptor(decoded, "__proto__")?.value).toBe(7);
    expect(toHex(schema.encode(decoded))).toBe("02095f5f70726f746f5f5f07047468656e08");
    const names = ["constructor", "prototype", "toString", "hasOwnProperty", "__defineGetter__"];
    const again = schema.decode(schema.encode(Object.fromEntries(names.map((name, i) => [name, i]))));
    expect(Object.entries(again)).toStrictEqual(names.map((name, i) => [name, i]));
  });
});

describe("compiled schema: limits", () => {
  interface Tree {
    readonly value: number;
    readonly children: Tree[];
  }
  const tree: CompiledSchema<Tree> = s.struct({ value: s.u8, children: s.array(s.lazy(() => tree)) });
  const nested = (levels: number): Tree => ({ value: 1, children: levels > 1 ? [nested(levels - 1)] : [] });
  const message = (schema: CompiledSchema<unknown>, bytes: Bytes) => {
    const result = decodeOrError(any(schema) as Codec, bytes);
    return "error" in result ? result.error.message : "decoded";
  };

  test("decode() and encode() bound the depth of recursion, and work afterwards", () => {
    const deep = tree.withLimits({ maxDepth: 128 });
    const bytes = deep.encode(nested(33));
    expect(deep.decode(bytes)).toStrictEqual(nested(33));
    expect(tree.decode(tree.encode(nested(32)))).toStrictEqual(nested(32));
    expect(message(tree, bytes)).toMatch(/maxDepth/);
    expect(() => tree.encode(nested(33))).toThrow(/maxDepth/);
    const cycle = { value: 1, children: [] as unknown[] };
    cycle.children.push(cycle);
    expect(() => tree.encode(cycle as Tree)).toThrow(TypeError);
    expect(tree["~standard"].validate(cycle)).toHaveProperty("issues");
    expect(tree.decode(tree.encode(nested(2)))).toStrictEqual(nested(2));
  });

  test("a schema that is deeper than the limit itself is refused", () => {
    let deep = s.array(s.u8) as CompiledSchema<unknown>;
    for (let i = 0; i < 64; i++) deep = s.array(deep);
    expect(() => deep.encode([])).toThrow(/65 levels/);
    expect(() => deep.decode(new Uint8Array(1))).toThrow(/65 levels/);
  });

  test("decode() bounds the elements, summed over all levels, before it allocates", () => {
    const lists = s.array(s.array(s.u8));
    const bytes = lists.encode([[1, 2], [], [3]]);
    expect(lists.withLimits({ maxElements: 6 }).decode(bytes)).toStrictEqual([[1, 2], [], [3]]);
    expect(message(lists.withLimits({ maxElements: 5 }), bytes)).toMatch(/maxElements/);
    const many = s.array(s.u8).encode(new Array(65_537).fill(0));
    expect(message(s.array(s.u8), many)).toMatch(/maxElements/);
  });

  test("decode() bounds the keys of a map and of a record", () => {
    const entries = Array.from({ length: 257 }, (_, i) => [i, true] as const);
    const map = s.map(s.u16, s.bool);
    const bytes = map.encode(new Map(entries));
    expect(message(map, bytes)).toMatch(/maxKeys/);
    expect(map.withLimits({ maxKeys: 257 }).decode(bytes).size).toBe(257);
    const record = s.record(s.bool);
    expect(message(record, record.encode(Object.fromEntries(entries)))).toMatch(/maxKeys/);
  });

  test("both directions bound the bytes", () => {
    const short = s.string.withLimits({ maxBytes: 10 });
    expect(short.decode(short.encode("123456789"))).toBe("123456789");
    expect(() => short.encode("1234567890")).toThrow(/maxBytes/);
    expect(() => short.encode("x".repeat(100_000))).toThrow(/maxBytes/);
    expect(message(short, s.string.encode("1234567890"))).toMatch(/maxBytes/);
    expect(() => s.string.withLimits({ maxBytes: -1 })).toThrow(RangeError);
    expect(() => s.string.withLimits({ maxDepth: 129 })).toThrow(RangeError);
  });
});
