import fc from "fast-check";
import type { CompiledSchema } from "../src/core/schema/compiled.ts";
import { schema as s } from "../src/core/schema/index.ts";

/** A schema and values of it. */
export interface Sample {
  readonly schema: CompiledSchema<unknown>;
  readonly values: fc.Arbitrary<unknown>;
}

const MAX_TIME_MS = 8_640_000_000_000_000;
const NAMES = ["a", "b", "id", "name", "x1", "a long name of a field", "é", "0", "then", "toJSON"];

const integers = (min: number, max: number) => fc.integer({ min, max });
const float = fc.double({ noNaN: false }).map((value) => (Object.is(value, -0) ? 0 : value));

/** Numbers with `digits` digits behind the point, and `all` in all. */
const decimals = (digits: number, all: number) =>
  fc
    .bigInt({ min: 1n - 10n ** BigInt(all), max: 10n ** BigInt(all) - 1n })
    .map((units) => Number(`${units}e-${digits}`));

function sample<T>(schema: CompiledSchema<T>, values: fc.Arbitrary<T>): Sample {
  return { schema: schema as CompiledSchema<unknown>, values };
}

const SCALARS: readonly Sample[] = [
  sample(s.bool, fc.boolean()),
  sample(s.u8, integers(0, 0xff)),
  sample(s.u16, integers(0, 0xffff)),
  sample(s.u32, fc.nat(0xffff_ffff)),
  sample(s.i8, integers(-0x80, 0x7f)),
  sample(s.i16, integers(-0x8000, 0x7fff)),
  sample(s.i32, integers(-0x8000_0000, 0x7fff_ffff)),
  sample(s.u64, fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })),
  sample(s.i64, fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
  sample(
    s.f32,
    fc.float({ noNaN: true }).map((value) => value + 0),
  ),
  sample(s.f64, float),
  sample(s.uint, fc.oneof(fc.maxSafeNat(), fc.nat(20_000))),
  sample(s.int, fc.oneof(fc.maxSafeInteger(), integers(-20_000, 20_000))),
  sample(s.decimal(2), fc.oneof(decimals(2, 15), decimals(2, 5))),
  sample(s.decimal(9), decimals(9, 15)),
  sample(s.bigint, fc.bigInt({ min: -(2n ** 200n), max: 2n ** 200n })),
  sample(s.timestamp, integers(-MAX_TIME_MS, MAX_TIME_MS)),
  sample(s.date, fc.date({ noInvalidDate: true })),
  sample(s.string, fc.oneof(fc.string({ unit: "grapheme", maxLength: 100 }), fc.string({ maxLength: 60 }))),
  sample(s.bytes, fc.uint8Array({ maxLength: 80 })),
  sample(s.enumOf("buy", "sell", "hold"), fc.constantFrom("buy", "sell", "hold")),
];

/** Schemas of up to `depth` levels, with values of each. */
export function anySample(depth = 3): fc.Arbitrary<Sample> {
  const scalar = fc.constantFrom(...SCALARS);
  if (depth === 0) return scalar;
  const inner = anySample(depth - 1);
  return fc.oneof(
    { weight: 2, arbitrary: scalar },
    { weight: 1, arbitrary: inner.map(arrayOf) },
    {
      weight: 1,
      arbitrary: inner.map(({ schema, values }) => sample(s.nullable(schema), fc.option(values))),
    },
    { weight: 1, arbitrary: fc.tuple(scalar, inner).filter(isMap).map(mapOf) },
    { weight: 1, arbitrary: inner.map(recordOf) },
    { weight: 1, arbitrary: fc.array(inner, { minLength: 1, maxLength: 4 }).map(tupleOf) },
    { weight: 4, arbitrary: structs(inner) },
    { weight: 1, arbitrary: fc.array(structs(inner), { minLength: 1, maxLength: 3 }).map(unionOf) },
  );
}

function arrayOf({ schema, values }: Sample): Sample {
  return sample(s.array(schema), fc.array(values, { maxLength: 12 }));
}

function isMap([key]: [Sample, Sample]): boolean {
  return !["f32", "f64", "decimal", "date", "bytes"].includes(key.schema.node.kind);
}

function mapOf([key, of]: [Sample, Sample]): Sample {
  const entries = fc.uniqueArray(fc.tuple(key.values, of.values), {
    selector: ([name]) => name,
    maxLength: 8,
  });
  return sample(
    s.map(key.schema, of.schema),
    entries.map((pairs) => new Map(pairs)),
  );
}

function recordOf({ schema, values }: Sample): Sample {
  const key = fc.oneof(fc.string({ maxLength: 20 }), fc.constantFrom("then", "toString"));
  const dictionary = fc.dictionary(
    key.filter((name) => name !== "__proto__"),
    values,
    { maxKeys: 8, noNullPrototype: true },
  );
  return sample(s.record(schema), dictionary);
}

function tupleOf(parts: readonly Sample[]): Sample {
  return sample(
    s.tuple(...parts.map(({ schema }) => schema)) as CompiledSchema<unknown>,
    fc.tuple(...parts.map(({ values }) => values)),
  );
}

/** Structs with up to ten fields, some of them optional. */
function structs(inner: fc.Arbitrary<Sample>): fc.Arbitrary<Sample> {
  return fc.array(fc.tuple(inner, fc.boolean()), { maxLength: NAMES.length }).map(structOf);
}

function structOf(fields: readonly (readonly [Sample, boolean])[]): Sample {
  const named = fields.map(([of, optional], i) => ({ name: NAMES[i] as string, of, optional }));
  const schema = s.struct(
    Object.fromEntries(
      named.map(({ name, of, optional }) => [name, optional ? s.optional(of.schema) : of.schema]),
    ),
  );
  const values = fc.record(Object.fromEntries(named.map(({ name, of }) => [name, of.values])), {
    requiredKeys: named.filter(({ optional }) => !optional).map(({ name }) => name),
    noNullPrototype: true,
  });
  return sample(schema as CompiledSchema<unknown>, values);
}

function unionOf(cases: readonly Sample[]): Sample {
  const named = cases.map((one, i) => [`case${i}`, one] as const);
  const schema = s.union(
    "kind",
    Object.fromEntries(named.map(([name, { schema: of }]) => [name, of as CompiledSchema<object>])),
  );
  const values = named.map(([kind, of]) => of.values.map((value) => ({ ...(value as object), kind })));
  return sample(schema as CompiledSchema<unknown>, fc.oneof(...values));
}

/** A schema with one value of it. */
export function anySchemaAndValue(depth = 3): fc.Arbitrary<[CompiledSchema<unknown>, unknown]> {
  return anySample(depth).chain(({ schema, values }) => fc.tuple(fc.constant(schema), values));
}
