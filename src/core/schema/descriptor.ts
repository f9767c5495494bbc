import { encodeText } from "../bytes.ts";
import { jsonCodec } from "../codecs/json.ts";
import { fnv64 } from "../fnv.ts";
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
import { fault } from "./faults.ts";
import { type FieldNode, isScalarKind, type LazyNode, type Node, type StructNode } from "./node.ts";

/** Longest descriptor that is read, bytes: what fits the metadata of a stream. */
export const MAX_DESCRIPTOR_BYTES = 8_192;

/** Deepest descriptor. */
const MAX_LEVELS = 32;

/** A part of a descriptor: the name of a scalar, or an array that begins with the kind. */
type Part = string | readonly [string, ...unknown[]];

/**
 * The text of a schema. A node inside itself is `["^", n]`: the node n lazy ones up.
 *
 *     "u32"                               a scalar
 *     ["enum", "buy", "sell"]             ["array", of]      ["record", of]
 *     ["decimal", 2]
 *     ["tuple", of, ...]                  ["map", key, of]   ["nullable", of]
 *     ["struct", [name, of], [name, of, 1], ...]             1: optional
 *     ["union", tag, [name, of], ...]     ["lazy", of]       ["^", n]
 *
 * Source: docs/protocol.md, section 13.5.
 */
export function describeNode(node: Node): string {
  return JSON.stringify(toPart(node, [], MAX_LEVELS));
}

function toPart(node: Node, open: readonly Node[], room: number): Part {
  if (room <= 0) throw new TypeError(`Cannot describe schema: deeper than ${MAX_LEVELS} levels`);
  const inner = (of: Node) => toPart(of, open, room - 1);
  switch (node.kind) {
    case "enum":
      return ["enum", ...node.names];
    case "decimal":
      return ["decimal", node.digits];
    case "array":
    case "record":
    case "nullable":
      return [node.kind, inner(node.of)];
    case "map":
      return ["map", inner(node.key), inner(node.of)];
    case "tuple":
      return ["tuple", ...node.of.map(inner)];
    case "struct":
      return [
        "struct",
        ...node.fields.map(({ name, of, optional }) => [name, inner(of), ...(optional ? [1] : [])]),
      ];
    case "union":
      return ["union", node.tag, ...node.cases.map(({ name, of }) => [name, inner(of)])];
    case "lazy": {
      const target = node.get();
      const at = open.indexOf(target);
      if (at >= 0) return ["^", open.length - at];
      return ["lazy", toPart(target, [...open, target], room - 1)];
    }
    default:
      return node.kind;
  }
}

/** 16 hex digits of a descriptor. */
export function digestOf(descriptor: string): string {
  return fnv64(encodeText(descriptor))
    .map((half) => half.toString(16).padStart(8, "0"))
    .join("");
}

const text = /* @__PURE__ */ jsonCodec({ maxDepth: 2 * MAX_LEVELS, maxElements: 4_096 });

/** Read a descriptor that a peer sent. @throws {ProtocolError} `ERR_DECODE` when it is none. */
export function parseDescriptor(descriptor: string): Node {
  const bytes = encodeText(descriptor);
  if (bytes.length > MAX_DESCRIPTOR_BYTES) throw fault(`descriptor of ${bytes.length} bytes`);
  const part = text.decode(bytes);
  try {
    return fromPart(part, []);
  } catch (error) {
    throw error instanceof TypeError ? fault("malformed descriptor") : error;
  }
}

function fromPart(part: unknown, open: readonly LazyNode[]): Node {
  if (typeof part === "string" && isScalarKind(part)) return { kind: part };
  const [kind, ...rest] = arrayOf(part);
  const [first, second] = rest;
  switch (kind) {
    case "enum":
      return enumNode(rest.map(stringOf));
    case "decimal":
      return decimalNode(first as number);
    case "array":
      return arrayNode(fromPart(first, open));
    case "record":
    case "nullable":
      return { kind, of: fromPart(first, open) };
    case "map":
      return mapNode(fromPart(first, open), fromPart(second, open));
    case "tuple":
      return tupleNode(rest.map((of) => fromPart(of, open)));
    case "struct":
      return structNode(rest.map((field) => toField(field, open)));
    case "union":
      return unionNode(
        stringOf(first),
        rest.slice(1).map((one) => toCase(one, open)),
      );
    case "lazy":
      return toLazy(first, open);
    case "^":
      return open[open.length - (first as number)] ?? malformed();
    default:
      return malformed();
  }
}

function toField(part: unknown, open: readonly LazyNode[]): FieldNode {
  const [name, of, flag] = arrayOf(part);
  if (flag !== undefined && flag !== 1) malformed();
  return { name: stringOf(name), of: fromPart(of, open), optional: flag === 1 };
}

function toCase(part: unknown, open: readonly LazyNode[]): { name: string; of: StructNode } {
  const [name, of] = arrayOf(part);
  return caseNode(stringOf(name), fromPart(of, open));
}

function toLazy(part: unknown, open: readonly LazyNode[]): LazyNode {
  let target: Node | undefined;
  const lazy: LazyNode = { kind: "lazy", get: () => target as Node };
  target = fromPart(part, [...open, lazy]);
  return lazy;
}

function arrayOf(part: unknown): readonly unknown[] {
  return Array.isArray(part) ? part : malformed();
}

function stringOf(part: unknown): string {
  return typeof part === "string" ? part : malformed();
}

function malformed(): never {
  throw fault("malformed descriptor");
}
