import type { Encode } from "./encode-scalar.ts";
import { MISFIT } from "./faults.ts";
import { type FieldNode, fixedBytes, type Node, optionalOf, requiredOf, type StructNode } from "./node.ts";
import { closeLength } from "./text.ts";
import type { Writer } from "./writer.ts";

type Fields = Readonly<Record<string, unknown>>;
type EncodeFields = (writer: Writer, fields: Fields) => void;

/** Fields that one byte of the presence bits tells of; its top bit says that another byte follows. */
export const BITS = 7;

/**
 * A struct:
 *
 *     required fields of fixed length, the other required fields
 *     tail    varint  bytes of what follows, 0 when no optional field is present
 *             presence bits, then the optional fields that are present
 *
 * Source: docs/protocol.md, section 13.4.
 */
export function encodeStruct(
  node: StructNode,
  compile: (node: Node) => Encode,
  roomy: (node: Node) => Encode,
): Encode {
  const required = requiredOf(node);
  const encodeRequired = encodeFields(
    required.map(({ name }) => name),
    required.map(({ of }) => compile(of)),
  );
  // One byte more: the tail of a struct that has no optional fields.
  const fixed = required.reduce((total, { of }) => total + (fixedBytes(of) ?? 0), 1);
  const optional = optionalOf(node);
  const encodeTail = optional.length === 0 ? encodeNoTail : encodeOptional(optional, roomy);
  return (writer, value) => {
    if (typeof value !== "object" || value === null) throw MISFIT;
    writer.ensure(fixed);
    encodeRequired(writer, value as Fields);
    encodeTail(writer, value as Fields);
  };
}

function encodeNoTail(writer: Writer): void {
  writer.ensure(1);
  writer.bytes[writer.at++] = 0;
}

function encodeOptional(optional: readonly FieldNode[], roomy: (node: Node) => Encode): EncodeFields {
  const names = optional.map(({ name }) => name);
  const encoders = optional.map(({ of }) => roomy(of));
  const { length } = names;
  return (writer, fields) => {
    let last = length - 1;
    while (last >= 0 && fields[names[last] as string] === undefined) last--;
    if (last < 0) {
      encodeNoTail(writer);
      return;
    }
    writer.ensure(2 + length);
    writer.at++;
    const from = writer.at - writer.start;
    writePresence(writer, fields, names, last);
    for (let i = 0; i <= last; i++) {
      const value = fields[names[i] as string];
      if (value !== undefined) (encoders[i] as Encode)(writer, value);
    }
    closeLength(writer, from, 1);
  };
}

function writePresence(writer: Writer, fields: Fields, names: readonly string[], last: number): void {
  for (let first = 0; first <= last; first += BITS) {
    let bits = first + BITS <= last ? 1 << BITS : 0;
    const end = Math.min(first + BITS, last + 1);
    for (let i = first; i < end; i++) {
      if (fields[names[i] as string] !== undefined) bits |= 1 << (i - first);
    }
    writer.bytes[writer.at++] = bits;
  }
}

const none: Encode = () => {};

/**
 * One closure for all fields. Up to eight they are unrolled: each place in the code then sees one field of few
 * structs, which engines look up far faster than any field of all of them.
 */
function encodeFields(names: readonly string[], encoders: readonly Encode[]): EncodeFields {
  const [n0 = "", n1 = "", n2 = "", n3 = "", n4 = "", n5 = "", n6 = "", n7 = ""] = names;
  const [e0 = none, e1 = none, e2 = none, e3 = none, e4 = none, e5 = none, e6 = none, e7 = none] = encoders;
  switch (names.length) {
    case 0:
      return () => {};
    case 1:
      return (writer, fields) => {
        e0(writer, fields[n0]);
      };
    case 2:
      return (writer, fields) => {
        e0(writer, fields[n0]);
        e1(writer, fields[n1]);
      };
    case 3:
      return (writer, fields) => {
        e0(writer, fields[n0]);
        e1(writer, fields[n1]);
        e2(writer, fields[n2]);
      };
    case 4:
      return (writer, fields) => {
        e0(writer, fields[n0]);
        e1(writer, fields[n1]);
        e2(writer, fields[n2]);
        e3(writer, fields[n3]);
      };
    case 5:
      return (writer, fields) => {
        e0(writer, fields[n0]);
        e1(writer, fields[n1]);
        e2(writer, fields[n2]);
        e3(writer, fields[n3]);
        e4(writer, fields[n4]);
      };
    case 6:
      return (writer, fields) => {
        e0(writer, fields[n0]);
        e1(writer, fields[n1]);
        e2(writer, fields[n2]);
        e3(writer, fields[n3]);
        e4(writer, fields[n4]);
        e5(writer, fields[n5]);
      };
    case 7:
      return (writer, fields) => {
        e0(writer, fields[n0]);
        e1(writer, fields[n1]);
        e2(writer, fields[n2]);
        e3(writer, fields[n3]);
        e4(writer, fields[n4]);
        e5(writer, fields[n5]);
        e6(writer, fields[n6]);
      };
    case 8:
      return (writer, fields) => {
        e0(writer, fields[n0]);
        e1(writer, fields[n1]);
        e2(writer, fields[n2]);
        e3(writer, fields[n3]);
        e4(writer, fields[n4]);
        e5(writer, fields[n5]);
        e6(writer, fields[n6]);
        e7(writer, fields[n7]);
      };
    default: {
      const first = encodeFields(names.slice(0, 8), encoders.slice(0, 8));
      const rest = encodeFields(names.slice(8), encoders.slice(8));
      return (writer, fields) => {
        first(writer, fields);
        rest(writer, fields);
      };
    }
  }
}
