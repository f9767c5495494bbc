import type { CompiledSchema } from "./compiled.ts";

/** A field that may be absent: what `optional()` gives. It stands in a struct only. */
export interface OptionalField<T> {
  readonly optional: CompiledSchema<T>;
}

/** The fields of a struct by name. */
export type StructFields = Readonly<Record<string, CompiledSchema<unknown> | OptionalField<unknown>>>;

/** The value that a schema describes: `type Message = TypeOf<typeof message>`. */
export type TypeOf<S> = S extends CompiledSchema<infer T> ? T : never;

type RequiredNames<F> = { [K in keyof F]: F[K] extends OptionalField<unknown> ? never : K }[keyof F];
type OptionalNames<F> = { [K in keyof F]: F[K] extends OptionalField<unknown> ? K : never }[keyof F];
type FieldType<F> = F extends OptionalField<infer T> ? T | undefined : TypeOf<F>;

/** The value of a struct with these fields. */
export type StructOf<F> = Flat<
  { -readonly [K in RequiredNames<F>]: FieldType<F[K]> } & {
    -readonly [K in OptionalNames<F>]?: FieldType<F[K]>;
  }
>;

/** The value of a tuple of these schemas. */
export type TupleOf<P extends readonly CompiledSchema<unknown>[]> = {
  -readonly [K in keyof P]: TypeOf<P[K]>;
};

/** The value of a union: the struct of one case, and its name in the field `Tag`. */
export type UnionOf<Tag extends string, C> = {
  [K in keyof C & string]: Flat<{ [T in Tag]: K } & TypeOf<C[K]>>;
}[keyof C & string];

/** The same type written as one object. */
type Flat<T> = { [K in keyof T]: T[K] };
