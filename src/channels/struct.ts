import type { FixedFormat, RecordMemory } from "./format.ts";

/** What each kind of field holds. Numbers are cut to their kind as typed arrays do. */
export interface FieldValues {
  readonly bool: boolean;
  readonly u8: number;
  readonly i8: number;
  readonly u16: number;
  readonly i16: number;
  readonly u32: number;
  readonly i32: number;
  readonly f32: number;
  readonly f64: number;
  readonly u64: bigint;
  readonly i64: bigint;
}

/** Name of a kind of field: `u32`, `f64`, `bool` and so on. */
export type FieldKind = keyof FieldValues;

/** The fields of a {@link struct}: kind by name. */
export type StructFields = Readonly<Record<string, FieldKind>>;

/** The messages of a {@link struct}. */
export type StructOf<S extends StructFields> = { -readonly [K in keyof S]: FieldValues[S[K]] };

interface Field<V> {
  readonly bytes: 1 | 2 | 4 | 8;
  readonly write: (memory: RecordMemory, at: number, value: V) => void;
  readonly read: (memory: RecordMemory, at: number) => V;
}

const FIELDS: { readonly [K in FieldKind]: Field<FieldValues[K]> } = {
  bool: {
    bytes: 1,
    write: ({ u8 }, at, value) => {
      u8[at] = value ? 1 : 0;
    },
    read: ({ u8 }, at) => u8[at] === 1,
  },
  u8: {
    bytes: 1,
    write: ({ u8 }, at, value) => {
      u8[at] = value;
    },
    read: ({ u8 }, at) => u8[at] as number,
  },
  i8: {
    bytes: 1,
    write: ({ view }, at, value) => view.setInt8(at, value),
    read: ({ view }, at) => view.getInt8(at),
  },
  u16: {
    bytes: 2,
    write: ({ view }, at, value) => view.setUint16(at, value, true),
    read: ({ view }, at) => view.getUint16(at, true),
  },
  i16: {
    bytes: 2,
    write: ({ view }, at, value) => view.setInt16(at, value, true),
    read: ({ view }, at) => view.getInt16(at, true),
  },
  u32: {
    bytes: 4,
    write: ({ u32 }, at, value) => {
      u32[at >> 2] = value;
    },
    read: ({ u32 }, at) => u32[at >> 2] as number,
  },
  i32: {
    bytes: 4,
    write: ({ i32 }, at, value) => {
      i32[at >> 2] = value;
    },
    read: ({ i32 }, at) => i32[at >> 2] as number,
  },
  f32: {
    bytes: 4,
    write: ({ f32 }, at, value) => {
      f32[at >> 2] = value;
    },
    read: ({ f32 }, at) => f32[at >> 2] as number,
  },
  f64: {
    bytes: 8,
    write: ({ f64 }, at, value) => {
      f64[at >> 3] = value;
    },
    read: ({ f64 }, at) => f64[at >> 3] as number,
  },
  u64: {
    bytes: 8,
    write: ({ view }, at, value) => view.setBigUint64(at, value, true),
    read: ({ view }, at) => view.getBigUint64(at, true),
  },
  i64: {
    bytes: 8,
    write: ({ view }, at, value) => view.setBigInt64(at, value, true),
    read: ({ view }, at) => view.getBigInt64(at, true),
  },
};

/**
 * Objects with fields of fixed size, written in place. Wide fields lie first, so that there are no gaps.
 * @param fields - kind by name; both sides name the same fields in the same order
 * @throws {TypeError} without any field.
 */
export function struct<const S extends StructFields>(fields: S): FixedFormat<StructOf<S>> {
  const offsets = new Map<string, number>();
  let bytes = 0;
  for (const width of [8, 4, 2, 1]) {
    for (const [name, kind] of Object.entries(fields)) {
      if (FIELDS[kind].bytes !== width) continue;
      offsets.set(name, bytes);
      bytes += width;
    }
  }
  if (bytes === 0) throw new TypeError("Cannot make a struct without fields");
  // In the order of the declaration, so that all objects have one shape.
  const places = Object.entries(fields).map(([name, kind]) => ({
    name,
    offset: offsets.get(name) as number,
    field: FIELDS[kind] as Field<unknown>,
  }));
  return {
    style: "fixed",
    bytes,
    write(memory, at, value) {
      for (const { name, offset, field } of places) field.write(memory, at + offset, value[name]);
    },
    read(memory, at) {
      const value: Record<string, unknown> = {};
      for (const { name, offset, field } of places) value[name] = field.read(memory, at + offset);
      return value as StructOf<S>;
    },
  };
}
