import { DECODE_PLACES, type DecodeFields } from "./decode-places.ts";
import type { Decode } from "./decode-scalar.ts";
import { BITS } from "./encode-struct.ts";
import { fault } from "./faults.ts";
import { type FieldNode, fixedBytes, type Node, optionalOf, requiredOf, type StructNode } from "./node.ts";
import { Places } from "./places.ts";
import type { Reader } from "./reader.ts";

type Fields = Record<string, unknown>;

/** Reads `length` bytes of presence bits and optional fields. */
type DecodeTail = (reader: Reader, fields: Fields, length: number) => void;

const nothing = (): void => {};

/** A struct is compiled when it is first used, and takes its places then. */
const PLACES: Places<Decode, DecodeFields> = /* @__PURE__ */ new Places<Decode, DecodeFields>(
  DECODE_PLACES,
  nothing,
  (first, rest) => (reader, values) => {
    first(reader, values);
    rest(reader, values);
  },
);

/** Most bytes of presence bits: so many optional fields no struct has. */
const MAX_PRESENCE_BYTES = 64;

/** The decoder of a struct, see `encodeStruct()`. What a later version of it has appended is skipped. */
export function decodeStruct(
  node: StructNode,
  compile: (node: Node) => Decode,
  careful: (node: Node) => Decode,
): Decode {
  const required = requiredOf(node);
  const Struct = plainObjects(required);
  const decodeRequired = required.length === 0 ? nothing : PLACES.take(required, compile);
  // One byte more for the tail: whatever follows takes at least as much.
  const fixed = required.reduce((total, { of }) => total + (fixedBytes(of) ?? 0), 1);
  const decodeTail = decodeOptional(optionalOf(node), careful);
  return (reader) => {
    if (fixed > reader.end - reader.at) throw fault("bytes end inside a struct");
    const fields = new Struct();
    decodeRequired(reader, fields);
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

/** Values of each kind for which an engine may choose a layout of its own. */
const SAMPLES: readonly unknown[] = [0, 0.5, "", {}];

/**
 * Makes plain objects that engines keep one layout for: those of each struct have a constructor of their own, by whose
 * first objects the engine learns how many fields there will be, and that they may hold anything.
 */
function plainObjects(fields: readonly FieldNode[]): new () => Fields {
  function Struct(): void {}
  Struct.prototype = Object.prototype;
  const made = Struct as unknown as new () => Fields;
  for (const sample of SAMPLES) {
    const values = new made();
    for (const { name } of fields) values[name] = sample;
  }
  return made;
}
