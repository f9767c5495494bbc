/**
 * Schemas of messages: types, validation and a compact binary form from one description.
 *
 *     import { schema } from "tideway/schema";
 *     const point = schema.struct({ x: schema.f64, y: schema.f64 });
 */
export * as schema from "./builders.ts";
export * from "./builders.ts";
export { CompiledSchema, type SchemaLimits } from "./compiled.ts";
export type { OptionalField, StructFields, StructOf, TupleOf, TypeOf, UnionOf } from "./infer.ts";
