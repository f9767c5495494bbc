import { encodeDecimal } from "./decimal.ts";
import { type Encode, SCALAR_ENCODERS, writeLength } from "./encode-scalar.ts";
import { encodeStruct } from "./encode-struct.ts";
import { MISFIT } from "./faults.ts";
import { fixedBytes, type LazyNode, levelsOf, type Node, type UnionNode } from "./node.ts";
import { writeText } from "./text.ts";

/** The encoder of `node`; the caller makes room for a value whose length is fixed. */
function compileEncode(node: Node): Encode {
  switch (node.kind) {
    case "enum":
      return encodeEnum(node.names);
    case "decimal":
      return encodeDecimal(node.digits);
    case "array":
      return encodeArray(compileEncode(node.of), fixedBytes(node.of));
    case "map":
      return encodeMap(compileEncoder(node.key), compileEncoder(node.of));
    case "record":
      return encodeRecord(compileEncoder(node.of));
    case "tuple":
      return encodeTuple(node.of.map(fixedBytes(node) === undefined ? compileEncoder : compileEncode));
    case "nullable":
      return encodeNullable(compileEncoder(node.of));
    case "struct":
      return encodeStruct(node, compileEncode, compileEncoder);
    case "union":
      return encodeUnion(node);
    case "lazy":
      return encodeLazy(node);
    default:
      return SCALAR_ENCODERS[node.kind];
  }
}

/** Compile the encoder of a schema: closures that call closures, nothing is generated from text. It makes room itself. */
export function compileEncoder(node: Node): Encode {
  const encode = compileEncode(node);
  const fixed = fixedBytes(node);
  if (fixed === undefined) return encode;
  return (writer, value) => {
    writer.ensure(fixed);
    encode(writer, value);
  };
}

function encodeEnum(names: readonly string[]): Encode {
  const numbers = new Map<unknown, number>(names.map((name, number) => [name, number]));
  return (writer, value) => {
    const number = numbers.get(value);
    if (number === undefined) throw MISFIT;
    writer.bytes[writer.at++] = number;
  };
}

function encodeArray(encode: Encode, fixed: number | undefined): Encode {
  return (writer, value) => {
    if (!Array.isArray(value)) throw MISFIT;
    const { length } = value;
    writeLength(writer, length);
    if (fixed !== undefined) writer.ensure(length * fixed);
    for (let i = 0; i < length; i++) encode(writer, value[i]);
  };
}

function encodeMap(encodeKey: Encode, encode: Encode): Encode {
  return (writer, value) => {
    if (!(value instanceof Map)) throw MISFIT;
    writeLength(writer, value.size);
    for (const [key, entry] of value) {
      encodeKey(writer, key);
      encode(writer, entry);
    }
  };
}

function encodeRecord(encode: Encode): Encode {
  return (writer, value) => {
    if (typeof value !== "object" || value === null) throw MISFIT;
    const keys = Object.keys(value);
    writeLength(writer, keys.length);
    for (const key of keys) {
      writeText(writer, key);
      encode(writer, (value as Record<string, unknown>)[key]);
    }
  };
}

function encodeTuple(encoders: readonly Encode[]): Encode {
  const { length } = encoders;
  return (writer, value) => {
    if (!Array.isArray(value) || value.length !== length) throw MISFIT;
    for (let i = 0; i < length; i++) (encoders[i] as Encode)(writer, value[i]);
  };
}

function encodeNullable(encode: Encode): Encode {
  return (writer, value) => {
    writer.ensure(1);
    writer.bytes[writer.at++] = value === null ? 0 : 1;
    if (value !== null) encode(writer, value);
  };
}

function encodeUnion({ tag, cases }: UnionNode): Encode {
  const numbers = new Map<unknown, number>(cases.map(({ name }, number) => [name, number]));
  const encoders = cases.map(({ of }) => compileEncode(of));
  return (writer, value) => {
    if (typeof value !== "object" || value === null) throw MISFIT;
    const number = numbers.get((value as Record<string, unknown>)[tag]);
    if (number === undefined) throw MISFIT;
    writer.ensure(1);
    writer.bytes[writer.at++] = number;
    (encoders[number] as Encode)(writer, value);
  };
}

/** One encoder a lazy node: a recursive schema is compiled once, not once a level. */
const LAZY: WeakMap<LazyNode, Encode> = new WeakMap();

/** Compiled when it is first used: by then the schema that it names is there. Bounds what values may hold. */
function encodeLazy(node: LazyNode): Encode {
  const known = LAZY.get(node);
  if (known !== undefined) return known;
  let encode: Encode | undefined;
  let levels = 0;
  const lazy: Encode = (writer, value) => {
    if (encode === undefined) {
      encode = compileEncoder(node.get());
      levels = Math.max(1, levelsOf(node.get()));
    }
    if (writer.room < levels) throw MISFIT;
    writer.room -= levels;
    encode(writer, value);
    writer.room += levels;
  };
  LAZY.set(node, lazy);
  return lazy;
}
