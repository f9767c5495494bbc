import { ENCODE_PLACES, type EncodeFields } from "./encode-places.ts";
import type { Encode } from "./encode-scalar.ts";

import { MISFIT } from "./faults.ts";
import { type FieldNode, fixedBytes, type Node, optionalOf, requiredOf, type StructNode } from "./node.ts";
import { Places } from "./places.ts";
import { closeLength } from "./text.ts";
import type { Writer } from "./writer.ts";

type Fields = Readonly<Record<string, unknown>>;

const nothing = (): void => {};

/** A struct is compiled when it is first used, and takes its places then. */
const PLACES: Places<Encode, EncodeFields> = /* @__PURE__ */ new Places<Encode, EncodeFields>(
  ENCODE_PLACES,
  nothing,
  (first, rest) => (writer, values) => {
    first(writer, values);
    rest(writer, values);
  },
);

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
  const encodeRequired = required.length === 0 ? nothing : PLACES.take(required, compile);
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
