// What the compiler infers. Nothing here runs: `npm run check` compiles this file, and `expectTypeOf` does nothing.
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { describe, expectTypeOf, test } from "vitest";
import { type CompiledSchema, schema as s, type TypeOf } from "../../src/core/schema/index.ts";
import { contract, type InputOf, type OutputOf, unary } from "../../src/index.ts";

const message = s.struct({
  id: s.u32,
  name: s.string,
  tags: s.array(s.string),
  at: s.timestamp,
  kind: s.enumOf("text", "image"),
  size: s.nullable(s.tuple(s.u16, s.u16)),
  seen: s.map(s.u64, s.date),
  counts: s.record(s.int),
  body: s.optional(s.bytes),
  shape: s.union("type", {
    dot: s.struct({}),
    line: s.struct({ length: s.f64, color: s.optional(s.string) }),
  }),
});

interface Expected {
  id: number;
  name: string;
  tags: string[];
  at: number;
  kind: "text" | "image";
  size: [number, number] | null;
  seen: Map<bigint, Date>;
  counts: Record<string, number>;
  body?: Uint8Array | undefined;
  shape: { type: "dot" } | { type: "line"; length: number; color?: string | undefined };
}

describe("types of compiled schemas", () => {
  test("a struct is the object that it describes", () => {
    expectTypeOf<TypeOf<typeof message>>().toEqualTypeOf<Expected>();
    expectTypeOf(message.decode).returns.toEqualTypeOf<Expected>();
    expectTypeOf(message.encode).parameter(0).toEqualTypeOf<Expected>();
  });

  test("it is a Standard Schema, in contracts too", () => {
    expectTypeOf(message).toExtend<StandardSchemaV1<Expected, Expected>>();
    const api = contract({ send: unary({ input: message, output: s.nothing }) });
    expectTypeOf<InputOf<typeof api.send.input>>().toEqualTypeOf<Expected>();
    expectTypeOf<OutputOf<typeof api.send.output>>().toEqualTypeOf<undefined>();
  });

  test("what does not fit does not compile", () => {
    // @ts-expect-error a field is missing
    const missing = () => s.struct({ a: s.u8 }).encode({});
    // @ts-expect-error a member that the enum does not have
    const member = () => s.enumOf("a").encode("b");
    // @ts-expect-error optional fields stand in structs only
    const optional = () => s.array(s.optional(s.u8));
    // @ts-expect-error a case of a union is a struct
    const scalar = () => s.union("type", { a: s.u8 });
    expectTypeOf([missing, member, optional, scalar]).toExtend<(() => unknown)[]>();
  });

  test("a recursive schema has the type that it is given", () => {
    interface Tree {
      children: Tree[];
    }
    const tree: CompiledSchema<Tree> = s.struct({ children: s.array(s.lazy(() => tree)) });
    expectTypeOf<TypeOf<typeof tree>>().toEqualTypeOf<Tree>();
  });
});
