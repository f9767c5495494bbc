import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeOrError, toHex } from "../../../test/conformance/codec.ts";
import { anySchemaAndValue } from "../../../test/random-schema.ts";
import type { Codec } from "../codecs/codec.ts";
import type { CompiledSchema } from "./compiled.ts";
import { schema as s } from "./index.ts";

const first = s.struct({ id: s.u32, name: s.string });
const second = s.struct({ id: s.u32, name: s.string, note: s.optional(s.string) });
const third = s.struct({
  id: s.u32,
  name: s.string,
  note: s.optional(s.string),
  at: s.optional(s.timestamp),
  tags: s.optional(s.array(s.string)),
});

/** Decode bytes of one version with the schema of another. */
function read(schema: unknown, bytes: Uint8Array): unknown {
  return (schema as CompiledSchema<unknown>).decode(bytes as never);
}

describe("evolution", () => {
  const full = { id: 1, name: "a", note: "n".repeat(80), at: 5, tags: ["x", "y"] };

  test("what was appended is skipped by an older version, and absent from one", () => {
    expect(read(first, third.encode(full))).toStrictEqual({ id: 1, name: "a" });
    expect(read(second, third.encode(full))).toStrictEqual({ id: 1, name: "a", note: full.note });
    expect(read(second, third.encode({ id: 1, name: "a", at: 5 }))).toStrictEqual({ id: 1, name: "a" });
    expect(read(third, first.encode({ id: 1, name: "a" }))).toStrictEqual({ id: 1, name: "a" });
    expect(read(third, second.encode({ id: 1, name: "a", note: "n" }))).toStrictEqual({
      id: 1,
      name: "a",
      note: "n",
    });
  });

  test("it is skipped inside arrays, maps and unions too", () => {
    const around = <T>(of: CompiledSchema<T>) =>
      s.struct({
        list: s.array(of),
        byName: s.map(s.string, of),
        one: s.union("kind", { it: of as unknown as CompiledSchema<object> }),
        end: s.string,
      });
    const value = {
      list: [full, full],
      byName: new Map([["k", full]]),
      one: { kind: "it", ...full },
      end: "end",
    };
    const short = { id: 1, name: "a" };
    expect(read(around(first), around(third).encode(value as never))).toStrictEqual({
      list: [short, short],
      byName: new Map([["k", short]]),
      one: { kind: "it", ...short },
      end: "end",
    });
  });

  test("more than seven and fourteen optional fields", () => {
    const fields = (count: number) =>
      s.struct(Object.fromEntries(Array.from({ length: count }, (_, i) => [`f${i}`, s.optional(s.u8)])));
    for (const [here, there] of [
      [7, 8],
      [8, 7],
      [14, 15],
      [3, 40],
      [40, 40],
      [0, 30],
    ] as const) {
      for (let i = 0; i < there; i += 3) {
        const value = { [`f${i}`]: i, [`f${there - 1}`]: 1 };
        const known = Object.fromEntries(
          Object.entries(value).filter(([name]) => Number(name.slice(1)) < here),
        );
        expect(read(fields(here), fields(there).encode(value))).toStrictEqual(known);
      }
    }
  });

  test("a new member and a new case are refused by an older version", () => {
    const older = s.enumOf("buy", "sell");
    expect(
      decodeOrError(older as unknown as Codec, s.enumOf("buy", "sell", "hold").encode("hold")),
    ).toHaveProperty("error.message", "Cannot decode schema: member 2 of an enum of 2");
  });
});

describe("descriptor, digest and difference", () => {
  interface Tree {
    readonly value: number;
    readonly children: Tree[];
  }
  const treeOf = (value: CompiledSchema<number>): CompiledSchema<Tree> => {
    const tree: CompiledSchema<Tree> = s.struct({ value, children: s.array(s.lazy(() => tree)) });
    return tree;
  };

  /** Fixed for good: another digest here would cut off every peer that has the old one. */
  test.each([
    [s.u32, '"u32"', "c4754118f9724429"],
    [first, '["struct",["id","u32"],["name","string"]]', "6b1d44cf10d707e9"],
    [second, '["struct",["id","u32"],["name","string"],["note","string",1]]', "29b7403ed1f4300b"],
    [
      treeOf(s.u8),
      '["struct",["value","u8"],["children",["array",["lazy",["struct",["value","u8"],["children",["array",["^",1]]]]]]]]',
      "aee711b9f74e7252",
    ],
    [
      s.union("t", { a: first }),
      '["union","t",["a",["struct",["id","u32"],["name","string"]]]]',
      "2ad271b642ea85af",
    ],
  ])("of %#", (schema, descriptor, digest) => {
    expect((schema as CompiledSchema<unknown>).descriptor).toBe(descriptor);
    expect((schema as CompiledSchema<unknown>).digest).toBe(digest);
  });

  test("any schema can read what its own descriptor describes", () => {
    fc.assert(
      fc.property(anySchemaAndValue(2), ([schema]) => {
        // A space more, or it would not be read at all. Deeper ones can pass the limit of descriptors.
        expect(schema.difference(` ${schema.descriptor}`)).toBe(undefined);
      }),
      { numRuns: 200 },
    );
    expect(treeOf(s.u8).difference(` ${treeOf(s.u8).descriptor}`)).toBe(undefined);
  });

  test("what is appended makes no difference", () => {
    for (const a of [first, second, third]) {
      for (const b of [first, second, third]) expect(a.difference(b.descriptor)).toBe(undefined);
    }
    expect(s.enumOf("a").difference(s.enumOf("a", "b").descriptor)).toBe(undefined);
    expect(s.union("t", { a: first }).difference(s.union("t", { a: second, b: first }).descriptor)).toBe(
      undefined,
    );
  });

  test.each<[CompiledSchema<unknown>, CompiledSchema<unknown>, string]>([
    [s.u8, s.u16, "value: u8 here, u16 there"],
    [s.decimal(2), s.decimal(3), "value: decimal(2) here, decimal(3) there"],
    [s.decimal(2), s.f64, "value: decimal(2) here, f64 there"],
    [first, s.struct({ id: s.u32, name: s.bytes }), "name: string here, bytes there"],
    [first, s.struct({ id: s.u32 }), "name: required string here, no such required field there"],
    [s.struct({ id: s.u32 }), first, "name: no such required field here, required string there"],
    [
      first,
      s.struct({ name: s.string, id: s.u32 }),
      "id: required u32 here, required field name in its place there",
    ],
    [
      second,
      s.struct({ id: s.u32, name: s.string, note: s.string }),
      "note: no such required field here, required string there",
    ],
    [
      second,
      s.struct({ id: s.u32, name: s.string, memo: s.optional(s.string) }),
      "note: optional string here, optional field memo in its place there",
    ],
    [s.array(first), s.array(s.struct({ id: s.u8, name: s.string })), "[].id: u32 here, u8 there"],
    [s.map(s.u8, s.u8), s.map(s.u16, s.u8), "[key]: u8 here, u16 there"],
    [s.tuple(s.u8, s.u8), s.tuple(s.u8), "value: tuple of 2 here, tuple of 1 there"],
    [s.tuple(s.u8, s.u8), s.tuple(s.u8, s.nullable(s.u8)), "[1]: u8 here, nullable there"],
    [s.enumOf("a", "b"), s.enumOf("a", "c"), "value: member 1 b here, c there"],
    [s.union("t", { a: first }), s.union("u", { a: first }), "value: union by t here, union by u there"],
    [s.union("t", { a: first }), s.union("t", { a: s.struct({ id: s.u8 }) }), "<a>.id: u32 here, u8 there"],
    [treeOf(s.u8), treeOf(s.u16), "value: u8 here, u16 there"],
  ])("difference %#", (here, there, text) => {
    expect(here.difference(there.descriptor)).toBe(text);
  });

  test("schemas without a difference read each other: any two of one message", () => {
    fc.assert(
      fc.property(anySchemaAndValue(2), anySchemaAndValue(2), ([a, value], [b]) => {
        if (a.difference(b.descriptor) !== undefined) return;
        decodeOrError(b, a.encode(value));
        expect(b.difference(a.descriptor)).toBe(undefined);
      }),
      { numRuns: 300 },
    );
  });

  test.each([
    "",
    "u32",
    '"u7"',
    "[]",
    "[1]",
    '["array"]',
    '["array","u32"',
    '["enum"]',
    '["enum",1]',
    '["enum","a","a"]',
    '["struct",["__proto__","u8"]]',
    '["struct",["a","u8",2]]',
    '["struct",["a"]]',
    '["union","t"]',
    '["union","t",["a","u8"]]',
    '["^",1]',
    '["^",0]',
    '["map","bytes","u8"]',
    '["nope","u8"]',
    "[".repeat(4_000),
    `"${"x".repeat(9_000)}"`,
  ])("difference() refuses %s as malformed", (descriptor) => {
    expect(() => first.difference(descriptor)).toThrow(expect.objectContaining({ code: "ERR_DECODE" }));
  });

  test("difference() throws nothing but ProtocolError for a descriptor with one character changed", () => {
    const schema = s.union("t", {
      a: third,
      b: s.struct({ tree: s.nullable(treeOf(s.u8)), side: s.enumOf("x") }),
    });
    const { descriptor } = schema;
    for (let i = 0; i < descriptor.length; i++) {
      for (const letter of '"[]1^,au{') {
        const changed = descriptor.slice(0, i) + letter + descriptor.slice(i + 1);
        try {
          schema.difference(changed);
        } catch (error) {
          expect(error).toHaveProperty("code", "ERR_DECODE");
        }
      }
    }
  });

  test("digests differ where descriptors do", () => {
    const digests = [first, second, third, s.u8, s.u16].map(({ digest }) => digest);
    expect(new Set(digests).size).toBe(5);
    expect(toHex(new TextEncoder().encode(digests[0]))).toHaveLength(32);
  });
});
