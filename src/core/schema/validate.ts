import type { StandardSchemaV1 } from "@standard-schema/spec";
import { isDecimal } from "./decimal.ts";
import { setOwn } from "./decode.ts";
import { isTime, MAX_BIGINT_BYTES } from "./encode-scalar.ts";
import {
  type LazyNode,
  levelsOf,
  type Node,
  type ScalarKind,
  type StructNode,
  type UnionNode,
} from "./node.ts";

/** Issues that are looked for at most. */
const MOST_ISSUES = 16;

type Path = readonly (string | number)[];
type Fields = Record<string, unknown>;

/** What a validation finds. */
interface Findings {
  readonly issues: StandardSchemaV1.Issue[];
  /** Levels of recursion that may still open. */
  room: number;
}

/** Name of each kind without parts, and what its values are. */
const SCALARS: Readonly<Record<ScalarKind, (value: unknown) => boolean>> = {
  nothing: (value) => value === undefined,
  bool: (value) => typeof value === "boolean",
  u8: (value) => isInteger(value, 0, 0xff),
  u16: (value) => isInteger(value, 0, 0xffff),
  u32: (value) => isInteger(value, 0, 0xffff_ffff),
  i8: (value) => isInteger(value, -0x80, 0x7f),
  i16: (value) => isInteger(value, -0x8000, 0x7fff),
  i32: (value) => isInteger(value, -0x8000_0000, 0x7fff_ffff),
  u64: (value) => typeof value === "bigint" && BigInt.asUintN(64, value) === value,
  i64: (value) => typeof value === "bigint" && BigInt.asIntN(64, value) === value,
  f32: (value) => typeof value === "number",
  f64: (value) => typeof value === "number",
  uint: (value) => isInteger(value, 0, Number.MAX_SAFE_INTEGER),
  int: (value) => isInteger(value, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
  bigint: isBigInt,
  timestamp: (value) => typeof value === "number" && isTime(value),
  date: (value) => value instanceof Date && isTime(value.getTime()),
  string: (value) => typeof value === "string",
  bytes: (value) => value instanceof Uint8Array,
};

/**
 * Whether `value` is one of the schema: as Standard Schema asks.
 * @param room - levels of recursion that are looked into
 * @returns the value without the fields that the schema does not have; or the issues, 16 at most.
 */
export function validate(node: Node, value: unknown, room: number): StandardSchemaV1.Result<unknown> {
  const findings: Findings = { issues: [], room };
  const output = look(node, value, [], findings);
  return findings.issues.length === 0 ? { value: output } : { issues: findings.issues };
}

function look(node: Node, value: unknown, path: Path, findings: Findings): unknown {
  if (findings.issues.length >= MOST_ISSUES) return value;
  switch (node.kind) {
    case "enum":
      return node.names.includes(value as string) ? value : miss(node, value, path, findings);
    case "decimal":
      return isDecimal(node.digits, value) ? value : miss(node, value, path, findings);
    case "array":
      if (!Array.isArray(value)) return miss(node, value, path, findings);
      return Array.from(value, (element, i) => look(node.of, element, [...path, i], findings));
    case "tuple":
      if (!Array.isArray(value) || value.length !== node.of.length) return miss(node, value, path, findings);
      return node.of.map((part, i) => look(part, value[i], [...path, i], findings));
    case "map":
      return value instanceof Map
        ? lookAtMap(node, value, path, findings)
        : miss(node, value, path, findings);
    case "record":
      return isFields(value)
        ? lookAtRecord(node.of, value, path, findings)
        : miss(node, value, path, findings);
    case "nullable":
      return value === null ? null : look(node.of, value, path, findings);
    case "struct":
      return isFields(value) ? lookAtStruct(node, value, path, findings) : miss(node, value, path, findings);
    case "union":
      return isFields(value) ? lookAtUnion(node, value, path, findings) : miss(node, value, path, findings);
    case "lazy":
      return lookDeeper(node, value, path, findings);
    default:
      return SCALARS[node.kind](value) ? value : miss(node, value, path, findings);
  }
}

function lookAtMap(
  node: Extract<Node, { kind: "map" }>,
  values: ReadonlyMap<unknown, unknown>,
  path: Path,
  findings: Findings,
): unknown {
  const output = new Map<unknown, unknown>();
  for (const [key, value] of values) {
    const at = [...path, typeof key === "number" ? key : String(key)];
    output.set(look(node.key, key, at, findings), look(node.of, value, at, findings));
  }
  return output;
}

function lookAtRecord(of: Node, values: Fields, path: Path, findings: Findings): unknown {
  const output: Fields = {};
  for (const key of Object.keys(values)) {
    setOwn(output, key, look(of, values[key], [...path, key], findings));
  }
  return output;
}

function lookAtStruct(node: StructNode, values: Fields, path: Path, findings: Findings): Fields {
  const output: Fields = {};
  for (const { name, of, optional } of node.fields) {
    const value = values[name];
    if (optional && value === undefined) continue;
    output[name] = look(of, value, [...path, name], findings);
  }
  return output;
}

function lookAtUnion(node: UnionNode, values: Fields, path: Path, findings: Findings): unknown {
  const name = values[node.tag];
  const found = node.cases.find((one) => one.name === name);
  if (found === undefined) {
    const names = node.cases.map((one) => JSON.stringify(one.name)).join(", ");
    return note(`expected one of ${names}, got ${describe(name)}`, [...path, node.tag], findings);
  }
  const output = lookAtStruct(found.of, values, path, findings);
  output[node.tag] = name;
  return output;
}

function lookDeeper(node: LazyNode, value: unknown, path: Path, findings: Findings): unknown {
  const levels = Math.max(1, levelsOf(node.get()));
  if (findings.room < levels) return note("too many levels (maxDepth)", path, findings);
  findings.room -= levels;
  const output = look(node.get(), value, path, findings);
  findings.room += levels;
  return output;
}

function miss(node: Node, value: unknown, path: Path, findings: Findings): unknown {
  const names = node.kind === "enum" ? ` ${node.names.map((name) => JSON.stringify(name)).join(", ")}` : "";
  const size = node.kind === "tuple" ? ` of ${node.of.length}` : "";
  const digits = node.kind === "decimal" ? `(${node.digits})` : "";
  const most =
    node.kind === "bigint" && typeof value === "bigint" ? ` of at most ${MAX_BIGINT_BYTES} bytes` : "";
  return note(`expected ${node.kind}${digits}${names}${size}${most}, got ${describe(value)}`, path, findings);
}

function note(message: string, path: Path, findings: Findings): undefined {
  findings.issues.push(path.length === 0 ? { message } : { message, path });
}

/** What a value is, without telling what is in it: messages of errors go to the peer. */
function describe(value: unknown): string {
  if (value === null || value === undefined || typeof value === "boolean") return String(value);
  if (typeof value === "number") return Number.isInteger(value) ? `integer ${value}` : `number ${value}`;
  if (typeof value === "bigint")
    return `${value < 0n ? "negative " : ""}bigint of ${bigIntBytes(value)} bytes`;
  if (typeof value !== "object") return typeof value;
  if (value instanceof Date && Number.isNaN(value.getTime())) return "invalid date";
  return Object.prototype.toString.call(value).slice(8, -1).toLowerCase();
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null;
}

function isInteger(value: unknown, least: number, most: number): boolean {
  return typeof value === "number" && Number.isInteger(value) && value >= least && value <= most;
}

function isBigInt(value: unknown): boolean {
  return typeof value === "bigint" && bigIntBytes(value) <= MAX_BIGINT_BYTES;
}

/** Bytes of the magnitude. */
function bigIntBytes(value: bigint): number {
  const digits = (value < 0n ? -value : value).toString(16);
  return (digits.length + 1) >>> 1;
}
