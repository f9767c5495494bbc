import {
  arrayNode,
  caseNode,
  decimalNode,
  enumNode,
  mapNode,
  structNode,
  tupleNode,
  unionNode,
} from "./check.ts";
import { CompiledSchema } from "./compiled.ts";
import { parseDescriptor } from "./descriptor.ts";
import type { OptionalField, StructFields, StructOf, TupleOf, UnionOf } from "./infer.ts";
import type { FieldNode, LazyNode, ScalarKind } from "./node.ts";

function scalar<T>(kind: ScalarKind): CompiledSchema<T> {
  return new CompiledSchema<T>({ kind });
}

/** No value: `undefined`, zero bytes. What a call answers that answers nothing. */
export const nothing: CompiledSchema<undefined> = /* @__PURE__ */ scalar("nothing");
/** `true` or `false`, 1 byte. */
export const bool: CompiledSchema<boolean> = /* @__PURE__ */ scalar("bool");
/** Whole number, 0 to 255, 1 byte. */
export const u8: CompiledSchema<number> = /* @__PURE__ */ scalar("u8");
/** Whole number, 0 to 65,535, 2 bytes. */
export const u16: CompiledSchema<number> = /* @__PURE__ */ scalar("u16");
/** Whole number, 0 to 2^32 - 1, 4 bytes. */
export const u32: CompiledSchema<number> = /* @__PURE__ */ scalar("u32");
/** Whole number as a bigint, 0 to 2^64 - 1, 8 bytes. */
export const u64: CompiledSchema<bigint> = /* @__PURE__ */ scalar("u64");
/** Whole number, -128 to 127, 1 byte. */
export const i8: CompiledSchema<number> = /* @__PURE__ */ scalar("i8");
/** Whole number, -32,768 to 32,767, 2 bytes. */
export const i16: CompiledSchema<number> = /* @__PURE__ */ scalar("i16");
/** Whole number, -2^31 to 2^31 - 1, 4 bytes. */
export const i32: CompiledSchema<number> = /* @__PURE__ */ scalar("i32");
/** Whole number as a bigint, -2^63 to 2^63 - 1, 8 bytes. */
export const i64: CompiledSchema<bigint> = /* @__PURE__ */ scalar("i64");
/** Number rounded to single precision, 4 bytes. */
export const f32: CompiledSchema<number> = /* @__PURE__ */ scalar("f32");
/** Any number, NaN and infinities too, 8 bytes. */
export const f64: CompiledSchema<number> = /* @__PURE__ */ scalar("f64");
/** Whole number, 0 to 2^53 - 1; 1, 2, 4 or 8 bytes: below 64, 16,384, 2^30. */
export const uint: CompiledSchema<number> = /* @__PURE__ */ scalar("uint");
/** Whole number, -(2^53 - 1) to 2^53 - 1; 1, 2, 4 or 8 bytes: below 32, 8,192, 2^29 either side of 0. */
export const int: CompiledSchema<number> = /* @__PURE__ */ scalar("int");
/**
 * Number with up to `digits` digits behind the point, and 15 in all: prices, sizes, coordinates. It takes what
 * {@link int} takes for the digits without a point, and comes back as it was; 0.1 + 0.2 has too many digits.
 * @throws {TypeError} unless `digits` is a whole number from 1 to 15.
 */
export function decimal(digits: number): CompiledSchema<number> {
  return new CompiledSchema(decimalNode(digits));
}
/** Bigint of up to 1,024 bytes, behind its length. */
export const bigint: CompiledSchema<bigint> = /* @__PURE__ */ scalar("bigint");
/** Milliseconds since 1970 as a whole number, as far as a `Date` reaches, 7 bytes. */
export const timestamp: CompiledSchema<number> = /* @__PURE__ */ scalar("timestamp");
/** A `Date`, 7 bytes. */
export const date: CompiledSchema<Date> = /* @__PURE__ */ scalar("date");
/** Text, UTF-8 behind its length. */
export const string: CompiledSchema<string> = /* @__PURE__ */ scalar("string");
/** A `Uint8Array` behind its length. What is decoded is a view of the message. */
export const bytes: CompiledSchema<Uint8Array> = /* @__PURE__ */ scalar("bytes");

/**
 * One of some texts, 1 byte. More may be appended later.
 * @throws {TypeError} without texts, with more than 256, or with one twice.
 */
export function enumOf<const N extends readonly [string, ...string[]]>(
  ...names: N
): CompiledSchema<N[number]> {
  return new CompiledSchema(enumNode(names));
}

/**
 * Any number of values of one schema, up to the limit `maxElements`.
 * @throws {TypeError} when its elements take no bytes.
 */
export function array<T>(of: CompiledSchema<T>): CompiledSchema<T[]> {
  return new CompiledSchema(arrayNode(of.node));
}

/** A `Map`. @throws {TypeError} when the key is not a number, a text or another plain value. */
export function map<K, V>(key: CompiledSchema<K>, of: CompiledSchema<V>): CompiledSchema<Map<K, V>> {
  return new CompiledSchema(mapNode(key.node, of.node));
}

/** An object with any names, as {@link map} with text keys is in JSON. */
export function record<V>(of: CompiledSchema<V>): CompiledSchema<Record<string, V>> {
  return new CompiledSchema({ kind: "record", of: of.node });
}

/** A fixed number of values, each with a schema of its own. It can never get more: see {@link struct}. */
export function tuple<const P extends readonly CompiledSchema<unknown>[]>(
  ...of: P
): CompiledSchema<TupleOf<P>> {
  return new CompiledSchema(tupleNode(of.map(({ node }) => node)));
}

/** A value or `null`. */
export function nullable<T>(of: CompiledSchema<T>): CompiledSchema<T | null> {
  return new CompiledSchema({ kind: "nullable", of: of.node });
}

/** A field of a struct that may be absent or `undefined`. It is absent in what is decoded. */
export function optional<T>(of: CompiledSchema<T>): OptionalField<T> {
  return { optional: of };
}

/**
 * An object with these fields. Later versions may append optional ones behind those that are there, and nothing else.
 * @throws {TypeError} when a name means something to every object, as `constructor` does.
 */
export function struct<F extends StructFields>(fields: F): CompiledSchema<StructOf<F>> {
  return new CompiledSchema(structNode(Object.entries(fields).map(toField)));
}

function toField([name, field]: [string, StructFields[string]]): FieldNode {
  if (!(field instanceof CompiledSchema)) {
    const of = field?.optional;
    if (of instanceof CompiledSchema) return { name, of: of.node, optional: true };
    throw new TypeError(`Cannot use field ${JSON.stringify(name)}: expected a schema or optional()`);
  }
  return { name, of: field.node, optional: false };
}

/**
 * One of several structs, told apart by the text in the field `tag`. More may be appended later.
 * @throws {TypeError} when a case is not a struct, or has a field named as the tag.
 */
export function union<const Tag extends string, C extends Readonly<Record<string, CompiledSchema<object>>>>(
  tag: Tag,
  cases: C,
): CompiledSchema<UnionOf<Tag, C>> {
  return new CompiledSchema(
    unionNode(
      tag,
      Object.entries(cases).map(([name, one]) => caseNode(name, one.node)),
    ),
  );
}

/** A schema that is made later: how a schema names itself. `get` gives the same one each time. */
export function lazy<T>(get: () => CompiledSchema<T>): CompiledSchema<T> {
  const node: LazyNode = { kind: "lazy", get: () => get().node };
  return new CompiledSchema(node);
}

/**
 * The schema that a descriptor describes, for programs that do not know their schemas when they are written.
 * @throws {ProtocolError} `ERR_DECODE` when it is no descriptor.
 */
export function fromDescriptor(descriptor: string): CompiledSchema<unknown> {
  return new CompiledSchema(parseDescriptor(descriptor));
}
