import fc from "fast-check";
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { anySchemaAndValue } from "../../../test/random-schema.ts";
import type { CompiledSchema } from "./compiled.ts";
import { schema as s } from "./index.ts";

const order = s.struct({
  id: s.u32,
  side: s.enumOf("buy", "sell"),
  lines: s.array(s.struct({ price: s.f64, note: s.optional(s.string) })),
  owner: s.nullable(s.string),
});
const valid = { id: 1, side: "buy" as const, lines: [{ price: 1.5 }], owner: null };

function issuesOf(schema: CompiledSchema<unknown>, value: unknown): string[] {
  const result = schema["~standard"].validate(value);
  if (result instanceof Promise) throw new Error("not synchronous");
  return (result.issues ?? []).map(({ message, path = [] }) => `${path.join(".")}: ${message}`);
}

describe("Standard Schema", () => {
  test("a value of the schema comes back, without what the schema does not have", () => {
    const value = { ...valid, secret: 1, lines: [{ price: 1.5, note: undefined, more: 2 }] };
    expect(order["~standard"].validate(value)).toStrictEqual({ value: valid });
    expect(order["~standard"].vendor).toBe("tideway");
    expect(order["~standard"].version).toBe(1);
  });

  test.each<[CompiledSchema<unknown>, unknown, string[]]>([
    [s.u8, 256, [": expected u8, got integer 256"]],
    [s.u8, "1", [": expected u8, got string"]],
    [s.i8, 1.5, [": expected i8, got number 1.5"]],
    [s.u64, 1, [": expected u64, got integer 1"]],
    [s.u64, -1n, [": expected u64, got negative bigint of 1 bytes"]],
    [s.i64, 2n ** 64n, [": expected i64, got bigint of 9 bytes"]],
    [s.bigint, "1", [": expected bigint, got string"]],
    [s.bytes, [1], [": expected bytes, got array"]],
    [s.date, new Date(Number.NaN), [": expected date, got invalid date"]],
    [s.decimal(2), 0.125, [": expected decimal(2), got number 0.125"]],
    [s.decimal(2), 10 ** 13, [": expected decimal(2), got integer 10000000000000"]],
    [s.decimal(2), Number.NaN, [": expected decimal(2), got number NaN"]],
    [s.decimal(2), "1", [": expected decimal(2), got string"]],
    [s.timestamp, 1.5, [": expected timestamp, got number 1.5"]],
    [s.nothing, null, [": expected nothing, got null"]],
    [s.map(s.u8, s.u8), {}, [": expected map, got object"]],
    [s.map(s.u8, s.u8), new Map([[1, 300]]), ["1: expected u8, got integer 300"]],
    [s.record(s.u8), { a: 1, b: "2" }, ["b: expected u8, got string"]],
    [s.tuple(s.u8, s.u8), [1], [": expected tuple of 2, got array"]],
    [s.bigint, 2n ** 8_192n, [": expected bigint of at most 1024 bytes, got bigint of 1025 bytes"]],
    [
      order,
      { id: -1, side: "hold", lines: [{ price: "1" }, null], owner: 3 },
      [
        "id: expected u32, got integer -1",
        'side: expected enum "buy", "sell", got string',
        "lines.0.price: expected f64, got string",
        "lines.1: expected struct, got null",
        "owner: expected string, got integer 3",
      ],
    ],
    [s.union("kind", { a: s.struct({}) }), { kind: "b" }, ['kind: expected one of "a", got string']],
  ])("issues %#", (schema, value, issues) => {
    expect(issuesOf(schema, value)).toStrictEqual(issues);
    expect(() => (schema as CompiledSchema<unknown>).encode(value)).toThrow(TypeError);
  });

  test("at most 16 issues are looked for", () => {
    expect(issuesOf(s.array(s.u8), new Array(1_000).fill("x"))).toHaveLength(16);
  });

  test("encode() names the place that does not fit, and works afterwards", () => {
    const bad = { ...valid, lines: [{ price: 1 }, { price: 2, note: 3 }] };
    expect(() => order.encode(bad as never)).toThrow(
      "Cannot encode schema: lines.1.note: expected string, got integer 3",
    );
    expect(order.decode(order.encode(valid))).toStrictEqual(valid);
  });

  test("encode() throws what a getter throws", () => {
    const value = {
      get id(): number {
        throw new Error("mine");
      },
    };
    expect(() => order.encode(value as never)).toThrow("mine");
    expect(order.decode(order.encode(valid))).toStrictEqual(valid);
  });

  test("validates exactly what it encodes", () => {
    const junk = fc.oneof(fc.anything(), fc.integer(), fc.string(), fc.bigInt(), fc.constant(undefined));
    fc.assert(
      fc.property(
        anySchemaAndValue(2),
        fc.array(junk, { minLength: 1, maxLength: 8 }),
        ([schema, value], others) => {
          expect(schema["~standard"].validate(value)).toStrictEqual({ value });
          for (const other of others) {
            const fits = issuesOf(schema as CompiledSchema<unknown>, other).length === 0;
            if (fits) schema.encode(other);
            else expect(() => schema.encode(other)).toThrow();
          }
        },
      ),
      { numRuns: 200 },
    );
  });

  test("is a schema to libraries that take Standard Schema", () => {
    const named = v.object({
      order: v.custom<unknown>((value) => issuesOf(order as never, value).length === 0),
    });
    expect(v.safeParse(named, { order: valid }).success).toBe(true);
    expect(v.safeParse(named, { order: {} }).success).toBe(false);
  });
});

describe("what a schema cannot be", () => {
  test.each([
    ["a field that every object has", () => s.struct({ constructor: s.u8 } as never), /every object/],
    ["a field that is no schema", () => s.struct({ a: "u8" } as never), /expected a schema/],
    ["optional outside of a struct", () => s.array(s.optional(s.u8) as never).descriptor, TypeError],
    ["an enum without members", () => (s.enumOf as () => unknown)(), /0 members/],
    ["an enum with a member twice", () => s.enumOf("a", "a"), /twice/],
    [
      "an enum of 257",
      () => s.enumOf(...(Array.from({ length: 257 }, (_, i) => `m${i}`) as [string])),
      /257/,
    ],
    ["a union of what is no struct", () => s.union("t", { a: s.u8 as never }), /not a struct/],
    ["a union whose tag is a field", () => s.union("t", { a: s.struct({ t: s.u8 }) }), /twice/],
    ["a map by bytes", () => s.map(s.bytes, s.u8), /key of a map/],
    ["an array of nothing", () => s.array(s.nothing), /no bytes/],
    ["an array of empty tuples", () => s.array(s.tuple()), /no bytes/],
    [
      "449 optional fields",
      () => s.struct(Object.fromEntries(Array.from({ length: 449 }, (_, i) => [`f${i}`, s.optional(s.u8)]))),
      /448/,
    ],
  ])("%s", (_, make, message) => {
    expect(make).toThrow(message as never);
  });
});
