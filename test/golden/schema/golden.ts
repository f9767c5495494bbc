import { schema as s } from "../../../src/core/schema/index.ts";
import golden from "./schema.json" with { type: "json" };

/** What a case came to; `problem` is `undefined` when it is as it must be. */
export interface GoldenResult {
  readonly name: string;
  readonly problem: string | undefined;
}

/**
 * Every case of `schema.json`, in whatever runtime this is: bytes that were put together from docs/protocol.md, section
 * 13, without the encoder.
 */
export function runGolden(): GoldenResult[] {
  return [
    ...golden.values.map(({ descriptor, value, hex }) =>
      run(`${descriptor} ${hex}`, () => {
        const schema = s.fromDescriptor(descriptor);
        expectSame(show(schema.decode(fromHex(hex))), show(revive(value)));
        expectSame(toHex(schema.encode(revive(value))), hex);
        expectSame(schema.descriptor, descriptor);
      }),
    ),
    ...golden.skipped.map(({ descriptor, value, hex }) =>
      run(`${descriptor} ${hex}, of a later version`, () => {
        expectSame(show(s.fromDescriptor(descriptor).decode(fromHex(hex))), show(revive(value)));
      }),
    ),
    ...golden.refused.map(({ descriptor, hex }) =>
      run(`${descriptor} ${hex}, refused`, () => {
        let code: unknown = "nothing";
        try {
          s.fromDescriptor(descriptor).decode(fromHex(hex));
        } catch (error) {
          code = (error as { code?: unknown }).code;
        }
        expectSame(String(code), "ERR_DECODE");
      }),
    ),
  ];
}

function run(name: string, body: () => void): GoldenResult {
  try {
    body();
    return { name, problem: undefined };
  } catch (error) {
    return { name, problem: String(error) };
  }
}

function expectSame(actual: string, expected: string): void {
  if (actual !== expected) throw new Error(`expected ${expected}, got ${actual}`);
}

/** What JSON lacks stands in the file as an object with one key that begins with `$`. */
function revive(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(revive);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value);
  const [[key, inner] = ["", undefined]] = entries;
  if (key === "$undefined") return undefined;
  if (key === "$bigint") return BigInt(inner);
  if (key === "$date") return new Date(inner);
  if (key === "$bytes") return fromHex(inner);
  if (key === "$map") return new Map(inner as [unknown, unknown][]);
  return Object.fromEntries(entries.map(([name, of]) => [name, revive(of)]));
}

/** A text that is the same for the same value, whatever the order of its fields. */
function show(value: unknown): string {
  if (typeof value === "bigint") return `${value}n`;
  if (value instanceof Date) return `date ${value.getTime()}`;
  if (value instanceof Uint8Array) return `bytes ${toHex(value)}`;
  if (value instanceof Map) return `map ${[...value].map(([key, of]) => `${show(key)}=>${show(of)}`).join()}`;
  if (Array.isArray(value)) return `[${value.map(show).join()}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "undefined";
  const fields = Object.entries(value).map(([name, of]) => `${name}:${show(of)}`);
  return `{${fields.sort().join()}}`;
}

function fromHex(hex: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
