import { describe, expect, it } from "vitest";
import { DECODE_PLACES } from "./decode-places.ts";
import { ENCODE_PLACES } from "./encode-places.ts";
import { schema } from "./index.ts";
import { Reader } from "./reader.ts";
import { Writer } from "./writer.ts";

const NUMBERS = [0, 1, 2, 3, 4, 5, 6, 7] as const;
const NAMES = ["a", "b", "c", "d", "e", "f", "g", "h"] as const;
const COUNTS = [1, 2, 3, 4, 5, 6, 7, 8];

describe.each(ENCODE_PLACES.map((place, index) => ({ index, place })))("place $index", ({ index, place }) => {
  it.each(COUNTS)("writes %i fields in order", (count) => {
    const written: unknown[] = [];
    const parts = NUMBERS.map((number) => (_: Writer, value: unknown) => written.push([number, value]));
    const values = Object.fromEntries(NAMES.map((name, number) => [name, number * 10]));
    place(count, parts as never, NAMES)(new Writer(), values);
    expect(written).toEqual(NUMBERS.slice(0, count).map((number) => [number, number * 10]));
  });

  it.each(COUNTS)("reads %i fields in order", (count) => {
    let read = 0;
    const parts = NUMBERS.map((number) => () => [number, read++]);
    const values: Record<string, unknown> = {};
    DECODE_PLACES[index]?.(count, parts as never, NAMES)(new Reader(), values);
    expect(Object.entries(values)).toEqual(
      NAMES.slice(0, count).map((name, number) => [name, [number, number]]),
    );
  });
});

it("has as many places to read as to write", () => {
  expect(DECODE_PLACES.length).toBe(ENCODE_PLACES.length);
});

it("reads and writes more structs than there are places, of any number of fields", () => {
  for (let count = 0; count < 3 * ENCODE_PLACES.length; count++) {
    const names = Array.from({ length: count }, (_, index) => `field${index}`);
    const struct = schema.struct(Object.fromEntries(names.map((name) => [name, schema.u32])));
    const value = Object.fromEntries(names.map((name, index) => [name, index * 1_000]));
    expect(struct.decode(struct.encode(value))).toEqual(value);
  }
});
