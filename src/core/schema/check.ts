import {
  type FieldNode,
  leastBytes,
  MAX_DECIMAL_DIGITS,
  MAX_MEMBERS,
  type Node,
  type StructNode,
  type UnionNode,
} from "./node.ts";

/** Kinds that the key of a map may be. */
const KEYS: ReadonlySet<string> = new Set(
  "bool u8 u16 u32 u64 i8 i16 i32 i64 uint int bigint timestamp string enum".split(" "),
);

/** Longest name of a field, a case or a member, UTF-16 units. */
const MAX_NAME = 256;

/** Most optional fields of a struct: their presence bits take 64 bytes. */
const MAX_OPTIONAL = 448;

/** A struct. @throws {TypeError} when a name is used twice, or means something to every object. */
export function structNode(fields: readonly FieldNode[]): StructNode {
  checkNames(
    fields.map(({ name }) => name),
    "field",
  );
  for (const { name } of fields) {
    if (name in Object.prototype) {
      throw new TypeError(`Cannot use field ${JSON.stringify(name)}: every object has one`);
    }
  }
  if (fields.filter(({ optional }) => optional).length > MAX_OPTIONAL) {
    throw new TypeError(`Cannot use more than ${MAX_OPTIONAL} optional fields`);
  }
  return { kind: "struct", fields };
}

/** An enum. @throws {TypeError} without members, with more than {@link MAX_MEMBERS}, or with one twice. */
export function enumNode(names: readonly string[]): Node {
  checkCount(names.length, "members of an enum");
  checkNames(names, "member");
  return { kind: "enum", names };
}

/** A decimal. @throws {TypeError} unless `digits` is a whole number from 1 to {@link MAX_DECIMAL_DIGITS}. */
export function decimalNode(digits: number): Node {
  if (!Number.isInteger(digits) || digits < 1 || digits > MAX_DECIMAL_DIGITS) {
    throw new TypeError(`Cannot use decimal of ${digits} digits: expected 1 to ${MAX_DECIMAL_DIGITS}`);
  }
  return { kind: "decimal", digits };
}

/** A case of a union. @throws {TypeError} when it is not a struct. */
export function caseNode(name: string, of: Node): { name: string; of: StructNode } {
  if (of.kind !== "struct")
    throw new TypeError(`Cannot use case ${JSON.stringify(name)}: it is not a struct`);
  return { name, of };
}

/** A union. @throws {TypeError} without cases, with too many, or when a case has a field named as the tag. */
export function unionNode(tag: string, cases: UnionNode["cases"]): UnionNode {
  checkCount(cases.length, "cases of a union");
  checkNames(
    cases.map(({ name }) => name),
    "case",
  );
  // The tag is a field of each case that stands elsewhere on the wire.
  for (const { of } of cases) structNode([...of.fields, { name: tag, of, optional: false }]);
  return { kind: "union", tag, cases };
}

/** A map. @throws {TypeError} when its key is not a number, a text or another plain value. */
export function mapNode(key: Node, of: Node): Node {
  if (!KEYS.has(key.kind)) throw new TypeError(`Cannot use ${key.kind} as the key of a map`);
  return { kind: "map", key, of };
}

/** An array. @throws {TypeError} when its elements take no bytes: there could be any number of them. */
export function arrayNode(of: Node): Node {
  if (of.kind !== "lazy" && leastBytes(of) === 0) {
    throw new TypeError("Cannot use array of elements that take no bytes");
  }
  return { kind: "array", of };
}

/** A tuple. */
export function tupleNode(of: readonly Node[]): Node {
  return { kind: "tuple", of };
}

function checkCount(count: number, what: string): void {
  if (count < 1 || count > MAX_MEMBERS) {
    throw new TypeError(`Cannot use ${count} ${what}: expected 1 to ${MAX_MEMBERS}`);
  }
}

function checkNames(names: readonly string[], what: string): void {
  const seen = new Set<string>();
  for (const name of names) {
    if (seen.has(name)) throw new TypeError(`Cannot use ${what} ${JSON.stringify(name)} twice`);
    if (name.length > MAX_NAME) throw new TypeError(`Cannot use ${what} of ${name.length} characters`);
    seen.add(name);
  }
}
