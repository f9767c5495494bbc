import { decodeDecimal } from "./decimal.ts";
import { type Decode, SCALAR_DECODERS } from "./decode-scalar.ts";
import { decodeStruct } from "./decode-struct.ts";
import { fault } from "./faults.ts";
import { fixedBytes, type LazyNode, leastBytes, levelsOf, type Node, type UnionNode } from "./node.ts";
import type { Reader } from "./reader.ts";
import { readText } from "./text.ts";

/** The decoder of `node`; the caller checks that the bytes of a value of fixed length are there. */
function compileDecode(node: Node): Decode {
  switch (node.kind) {
    case "enum":
      return decodeEnum(node.names);
    case "decimal":
      return decodeDecimal(node.digits);
    case "array":
      // The count is checked against the bytes left: what has a fixed length needs no check of its own.
      return decodeArray(compileDecode(node.of), leastBytes(node.of));
    case "map":
      return decodeMap(
        compileDecoder(node.key),
        compileDecoder(node.of),
        leastBytes(node.key) + leastBytes(node.of),
      );
    case "record":
      return decodeRecord(compileDecoder(node.of), 1 + leastBytes(node.of));
    case "tuple":
      return decodeTuple(node.of.map(fixedBytes(node) === undefined ? compileDecoder : compileDecode));
    case "nullable":
      return decodeNullable(compileDecoder(node.of));
    case "struct":
      return decodeStruct(node, compileDecode, compileDecoder);
    case "union":
      return decodeUnion(node);
    case "lazy":
      return decodeLazy(node);
    default:
      return SCALAR_DECODERS[node.kind];
  }
}

/** Compile the decoder of a schema: closures that call closures. It checks itself that the bytes are there. */
export function compileDecoder(node: Node): Decode {
  const decode = compileDecode(node);
  const fixed = fixedBytes(node);
  if (fixed === undefined) return decode;
  return (reader) => {
    reader.need(fixed);
    return decode(reader);
  };
}

function decodeEnum(names: readonly string[]): Decode {
  return (reader) => {
    const number = reader.bytes[reader.at++] as number;
    const name = names[number];
    if (name === undefined) throw fault(`member ${number} of an enum of ${names.length}`);
    return name;
  };
}

function decodeArray(decode: Decode, least: number): Decode {
  return (reader) => {
    const count = reader.count(least);
    // An array that grows by push() has room for 17: short ones are made as long as they are.
    if (count === 1) return [decode(reader)];
    if (count === 2) return [decode(reader), decode(reader)];
    if (count === 3) return [decode(reader), decode(reader), decode(reader)];
    const values: unknown[] = [];
    for (let left = count; left > 0; left--) values.push(decode(reader));
    return values;
  };
}

/** Number of entries of a map, bounded besides by the limit of keys. */
function countEntries(reader: Reader, least: number): number {
  const count = reader.count(least);
  if (count > reader.maxKeys) throw fault(`${count} keys, over ${reader.maxKeys} (maxKeys)`);
  return count;
}

function decodeMap(decodeKey: Decode, decode: Decode, least: number): Decode {
  return (reader) => {
    const values = new Map<unknown, unknown>();
    const count = countEntries(reader, least);
    for (let left = count; left > 0; left--) values.set(decodeKey(reader), decode(reader));
    if (values.size < count) throw fault("a key that is there twice");
    return values;
  };
}

function decodeRecord(decode: Decode, least: number): Decode {
  return (reader) => {
    const values: Record<string, unknown> = {};
    for (let left = countEntries(reader, least); left > 0; left--) {
      const key = readText(reader);
      if (Object.hasOwn(values, key)) throw fault("a key that is there twice");
      setOwn(values, key, decode(reader));
    }
    return values;
  };
}

/** Set a field that a peer named: as an own one, whatever every object has under that name. */
export function setOwn(values: Record<string, unknown>, key: string, value: unknown): void {
  if (!(key in values)) values[key] = value;
  else Object.defineProperty(values, key, { value, writable: true, enumerable: true, configurable: true });
}

function decodeTuple(decoders: readonly Decode[]): Decode {
  const [first, second] = decoders;
  if (first !== undefined && second !== undefined && decoders.length === 2) {
    return (reader) => [first(reader), second(reader)];
  }
  return (reader) => {
    const values: unknown[] = [];
    for (let i = 0; i < decoders.length; i++) values.push((decoders[i] as Decode)(reader));
    return values;
  };
}

function decodeNullable(decode: Decode): Decode {
  return (reader) => {
    reader.need(1);
    const flag = reader.bytes[reader.at++] as number;
    if (flag > 1) throw fault(`presence ${flag}`);
    return flag === 1 ? decode(reader) : null;
  };
}

function decodeUnion({ tag, cases }: UnionNode): Decode {
  const names = cases.map(({ name }) => name);
  const decoders = cases.map(({ of }) => compileDecode(of));
  return (reader) => {
    reader.need(1);
    const number = reader.bytes[reader.at++] as number;
    const decode = decoders[number];
    if (decode === undefined) throw fault(`case ${number} of a union of ${names.length}`);
    const value = decode(reader) as Record<string, unknown>;
    value[tag] = names[number];
    return value;
  };
}

/** One decoder a lazy node, as in the encoder. */
const LAZY: WeakMap<LazyNode, Decode> = new WeakMap();

function decodeLazy(node: LazyNode): Decode {
  const known = LAZY.get(node);
  if (known !== undefined) return known;
  let decode: Decode | undefined;
  let levels = 0;
  const lazy: Decode = (reader) => {
    if (decode === undefined) {
      decode = compileDecoder(node.get());
      levels = Math.max(1, levelsOf(node.get()));
    }
    if (reader.room < levels) throw fault("too many levels (maxDepth)");
    reader.room -= levels;
    const value = decode(reader);
    reader.room += levels;
    return value;
  };
  LAZY.set(node, lazy);
  return lazy;
}
