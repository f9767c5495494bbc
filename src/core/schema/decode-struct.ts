import type { Decode } from "./decode-scalar.ts";
import { BITS } from "./encode-struct.ts";
import { fault } from "./faults.ts";
import { type FieldNode, fixedBytes, type Node, optionalOf, requiredOf, type StructNode } from "./node.ts";
import type { Reader } from "./reader.ts";

type Fields = Record<string, unknown>;

/** Reads the required fields into a fresh object. */
type DecodeFields = (reader: Reader) => Fields;

/** Reads `length` bytes of presence bits and optional fields. */
type DecodeTail = (reader: Reader, fields: Fields, length: number) => void;

/** Most bytes of presence bits: so many optional fields no struct has. */
const MAX_PRESENCE_BYTES = 64;

/** The decoder of a struct, see `encodeStruct()`. What a later version of it has appended is skipped. */
export function decodeStruct(
  node: StructNode,
  compile: (node: Node) => Decode,
  careful: (node: Node) => Decode,
): Decode {
  const required = requiredOf(node);
  const decodeRequired = decodeFields(
    required.map(({ name }) => name),
    required.map(({ of }) => compile(of)),
  );
  // One byte more for the tail: whatever follows takes at least as much.
  const fixed = required.reduce((total, { of }) => total + (fixedBytes(of) ?? 0), 1);
  const decodeTail = decodeOptional(optionalOf(node), careful);
  return (reader) => {
    if (fixed > reader.end - reader.at) throw fault("bytes end inside a struct");
    const fields = decodeRequired(reader);
    const length = reader.length();
    if (length > 0) decodeTail(reader, fields, length);
    return fields;
  };
}

function decodeOptional(optional: readonly FieldNode[], careful: (node: Node) => Decode): DecodeTail {
  const names = optional.map(({ name }) => name);
  const decoders = optional.map(({ of }) => careful(of));
  return (reader, fields, length) => {
    reader.need(length);
    const outer = reader.end;
    const end = reader.at + length;
    reader.end = end;
    const { bytes, at } = reader;
    const values = endOfPresence(reader);
    reader.at = values;
    for (let i = 0, byte = at; i < names.length && byte < values; i++) {
      const bit = i % BITS;
      if ((((bytes[byte] as number) >>> bit) & 1) === 1) {
        fields[names[i] as string] = (decoders[i] as Decode)(reader);
      }
      if (bit === BITS - 1) byte++;
    }
    if (reader.at < end && !hasUnknown(bytes, at, values, names.length)) {
      throw fault("bytes behind the optional fields");
    }
    reader.at = end;
    reader.end = outer;
  };
}

/** @returns the offset behind the presence bits, of which the last byte has one at least. */
function endOfPresence({ bytes, at, end }: Reader): number {
  const most = Math.min(end, at + MAX_PRESENCE_BYTES);
  for (let next = at; next < most; next++) {
    const bits = bytes[next] as number;
    if (bits >= 0x80) continue;
    if (bits === 0) break;
    return next + 1;
  }
  throw fault("presence bits without an end");
}

/** Whether a field is present that this side does not know. */
function hasUnknown(bytes: Uint8Array, from: number, to: number, known: number): boolean {
  const first = from + Math.floor(known / BITS);
  if (first >= to) return false;
  return ((bytes[first] as number) & 0x7f) >>> (known % BITS) !== 0 || first + 1 < to;
}

/**
 * Makes plain objects that engines keep one layout for: those of each struct have a constructor of their own, by whose
 * first objects the engine learns how many fields there will be.
 */
function plainObjects(): new () => Fields {
  function Struct(): void {}
  Struct.prototype = Object.prototype;
  return Struct as unknown as new () => Fields;
}

const none: Decode = () => undefined;

/** Up to eight fields are unrolled, as in the encoder. */
function decodeFields(names: readonly string[], decoders: readonly Decode[]): DecodeFields {
  const Struct = plainObjects();
  const [n0 = "", n1 = "", n2 = "", n3 = "", n4 = "", n5 = "", n6 = "", n7 = ""] = names;
  const [d0 = none, d1 = none, d2 = none, d3 = none, d4 = none, d5 = none, d6 = none, d7 = none] = decoders;
  switch (names.length) {
    case 0:
      return () => ({});
    case 1:
      return (reader) => {
        const fields = new Struct();
        fields[n0] = d0(reader);
        return fields;
      };
    case 2:
      return (reader) => {
        const fields = new Struct();
        fields[n0] = d0(reader);
        fields[n1] = d1(reader);
        return fields;
      };
    case 3:
      return (reader) => {
        const fields = new Struct();
        fields[n0] = d0(reader);
        fields[n1] = d1(reader);
        fields[n2] = d2(reader);
        return fields;
      };
    case 4:
      return (reader) => {
        const fields = new Struct();
        fields[n0] = d0(reader);
        fields[n1] = d1(reader);
        fields[n2] = d2(reader);
        fields[n3] = d3(reader);
        return fields;
      };
    case 5:
      return (reader) => {
        const fields = new Struct();
        fields[n0] = d0(reader);
        fields[n1] = d1(reader);
        fields[n2] = d2(reader);
        fields[n3] = d3(reader);
        fields[n4] = d4(reader);
        return fields;
      };
    case 6:
      return (reader) => {
        const fields = new Struct();
        fields[n0] = d0(reader);
        fields[n1] = d1(reader);
        fields[n2] = d2(reader);
        fields[n3] = d3(reader);
        fields[n4] = d4(reader);
        fields[n5] = d5(reader);
        return fields;
      };
    case 7:
      return (reader) => {
        const fields = new Struct();
        fields[n0] = d0(reader);
        fields[n1] = d1(reader);
        fields[n2] = d2(reader);
        fields[n3] = d3(reader);
        fields[n4] = d4(reader);
        fields[n5] = d5(reader);
        fields[n6] = d6(reader);
        return fields;
      };
    default:
      return (reader) => {
        const fields = new Struct();
        fields[n0] = d0(reader);
        fields[n1] = d1(reader);
        fields[n2] = d2(reader);
        fields[n3] = d3(reader);
        fields[n4] = d4(reader);
        fields[n5] = d5(reader);
        fields[n6] = d6(reader);
        fields[n7] = d7(reader);
        for (let i = 8; i < names.length; i++) fields[names[i] as string] = (decoders[i] as Decode)(reader);
        return fields;
      };
  }
}
