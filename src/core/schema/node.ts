const SCALAR_KINDS = [
  "nothing",
  "bool",
  "u8",
  "u16",
  "u32",
  "u64",
  "i8",
  "i16",
  "i32",
  "i64",
  "f32",
  "f64",
  "uint",
  "int",
  "bigint",
  "timestamp",
  "date",
  "string",
  "bytes",
] as const;

/** What a number, a text or another value without parts is. */
export type ScalarKind = (typeof SCALAR_KINDS)[number];

/** Whether a text names a kind without parts. */
export function isScalarKind(kind: string): kind is ScalarKind {
  return (SCALAR_KINDS as readonly string[]).includes(kind);
}

/** A field of a struct. */
export interface FieldNode {
  readonly name: string;
  readonly of: Node;
  /** It may be absent. Optional fields follow the required ones on the wire, and more may be appended later. */
  readonly optional: boolean;
}

/** A struct: fields by name. */
export interface StructNode {
  readonly kind: "struct";
  readonly fields: readonly FieldNode[];
}

/** One of several structs, told apart by a text in the field `tag`. */
export interface UnionNode {
  readonly kind: "union";
  readonly tag: string;
  readonly cases: readonly { readonly name: string; readonly of: StructNode }[];
}

/** A number with so many digits behind the point at most. */
export interface DecimalNode {
  readonly kind: "decimal";
  readonly digits: number;
}

/** A node that is named before it is made: what makes a schema recursive. */
export interface LazyNode {
  readonly kind: "lazy";
  /** The node, always the same one. */
  readonly get: () => Node;
}

/** What a schema says of a value: plain data, from which encoder, decoder, validator and descriptor are made. */
export type Node =
  | { readonly kind: ScalarKind }
  | { readonly kind: "enum"; readonly names: readonly string[] }
  | DecimalNode
  | { readonly kind: "array"; readonly of: Node }
  | { readonly kind: "map"; readonly key: Node; readonly of: Node }
  | { readonly kind: "record"; readonly of: Node }
  | { readonly kind: "tuple"; readonly of: readonly Node[] }
  | { readonly kind: "nullable"; readonly of: Node }
  | StructNode
  | UnionNode
  | LazyNode;

/** Most members of an enum, and most cases of a union: their number is one byte. */
export const MAX_MEMBERS = 256;

/** Most digits of a decimal, before and behind its point: a `number` holds all of them. */
export const MAX_DECIMAL_DIGITS = 15;

const FIXED_BYTES: Readonly<Record<string, number>> = {
  nothing: 0,
  bool: 1,
  u8: 1,
  i8: 1,
  enum: 1,
  u16: 2,
  i16: 2,
  u32: 4,
  i32: 4,
  f32: 4,
  timestamp: 7,
  date: 7,
  u64: 8,
  i64: 8,
  f64: 8,
};

/** Bytes of every value of `node`; `undefined` where they differ. */
export function fixedBytes(node: Node): number | undefined {
  if (node.kind !== "tuple") return FIXED_BYTES[node.kind];
  let total = 0;
  for (const part of node.of) {
    const bytes = fixedBytes(part);
    if (bytes === undefined) return undefined;
    total += bytes;
  }
  return total;
}

/** Bytes that a value of `node` takes at least. One for a lazy node, whatever it stands for. */
export function leastBytes(node: Node): number {
  const fixed = fixedBytes(node);
  if (fixed !== undefined) return fixed;
  switch (node.kind) {
    case "tuple":
      return sum(node.of);
    case "struct":
      return 1 + sum(requiredOf(node).map((field) => field.of));
    case "union":
      return 1 + Math.min(...node.cases.map((one) => leastBytes(one.of)));
    default:
      return 1;
  }
}

function sum(nodes: readonly Node[]): number {
  return nodes.reduce((total, node) => total + leastBytes(node), 0);
}

/** Levels of structs, arrays and maps inside `node`, itself included, down to lazy nodes. */
export function levelsOf(node: Node): number {
  return (isContainer(node) ? 1 : 0) + Math.max(0, ...partsOf(node).map(levelsOf));
}

const CONTAINERS: ReadonlySet<string> = new Set(["array", "map", "record", "tuple", "struct"]);

function isContainer(node: Node): boolean {
  return CONTAINERS.has(node.kind);
}

/** The nodes directly inside `node`; none for a lazy one. */
export function partsOf(node: Node): readonly Node[] {
  switch (node.kind) {
    case "array":
    case "record":
    case "nullable":
      return [node.of];
    case "map":
      return [node.key, node.of];
    case "tuple":
      return node.of;
    case "struct":
      return node.fields.map((field) => field.of);
    case "union":
      return node.cases.map((one) => one.of);
    default:
      return [];
  }
}

/** The required fields in the order of the wire: those of fixed length first, else as declared. */
export function requiredOf(node: StructNode): readonly FieldNode[] {
  const required = node.fields.filter((field) => !field.optional);
  const isFixed = (field: FieldNode) => fixedBytes(field.of) !== undefined;
  return [...required.filter(isFixed), ...required.filter((field) => !isFixed(field))];
}

/** The optional fields in the order of the wire, which is the one in which they are declared. */
export function optionalOf(node: StructNode): readonly FieldNode[] {
  return node.fields.filter((field) => field.optional);
}
