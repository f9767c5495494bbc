import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ARRIVALS, fromHex, toHex } from "../../../test/byte-lane.ts";
import { codeOf } from "../../../test/refusal.ts";
import type { Bytes } from "../bytes.ts";
import { NameReader, NameWriter } from "./names.ts";
import { Cursor } from "./varint.ts";

function read(reader: NameReader, bytes: Bytes): string {
  const cursor = new Cursor(bytes);
  const name = reader.read(cursor);
  expect(cursor.at).toBe(bytes.length);
  return name;
}

describe("NameWriter", () => {
  test("label() is the text until it was committed, then a number", () => {
    const writer = new NameWriter(2);
    expect(toHex(writer.label(""))).toBe("00");
    expect(toHex(writer.label("ab"))).toBe("056162");
    expect(toHex(writer.label("ab"))).toBe("056162");
    writer.commit("ab");
    writer.commit("ab");
    expect(toHex(writer.label("ab"))).toBe("02");
    writer.commit("");
    writer.commit("ü");
    expect(toHex(writer.label("ü"))).toBe("04");
    writer.commit("full");
    expect(toHex(writer.label("full"))).toBe("0966756c6c");
  });
});

describe.each(ARRIVALS)("NameReader, %s", (_name, arrive) => {
  test("read() knows a name again by its number", () => {
    const reader = new NameReader(1);
    expect(read(reader, arrive(fromHex("00")))).toBe("");
    expect(read(reader, arrive(fromHex("056162")))).toBe("ab");
    expect(read(reader, arrive(fromHex("02")))).toBe("ab");
    expect(read(reader, arrive(fromHex("056364")))).toBe("cd");
    expect(codeOf(() => read(reader, arrive(fromHex("04"))))).toBe("ERR_PROTOCOL");
  });

  test.each([
    ["02", "ERR_PROTOCOL", "a number that was never given"],
    ["ffffffff00000000", "ERR_PROTOCOL", "a number that no varint has"],
    ["0561", "ERR_PROTOCOL", "a name that ends behind its frame"],
    [`4203${"61".repeat(257)}`, "ERR_LIMIT", "a name of 257 bytes"],
    ["8fffffff", "ERR_LIMIT", "a name of 2^27 bytes"],
    ["05c328", "ERR_DECODE", "bytes that are not UTF-8"],
    ["07eda080", "ERR_DECODE", "a lone surrogate"],
    ["05c0af", "ERR_DECODE", "an overlong form"],
    ["", "ERR_PROTOCOL", "nothing"],
  ])("read() rejects %s with %s: %s", (text, code) => {
    const bytes = arrive(fromHex(text));
    expect(codeOf(() => new NameReader(10).read(new Cursor(bytes)))).toBe(code);
  });

  test("read() accepts a name of 256 bytes", () => {
    expect(read(new NameReader(10), arrive(fromHex(`4201${"61".repeat(256)}`)))).toBe("a".repeat(256));
  });

  test("both ends agree on any order of names, also when the table is full", () => {
    const name = fc.oneof(
      fc.constantFrom("", "a", "b", "c", "d"),
      fc.string({ unit: "grapheme", maxLength: 30 }),
    );
    fc.assert(
      fc.property(fc.array(name, { maxLength: 60 }), fc.nat(10), (names, most) => {
        const writer = new NameWriter(most);
        const reader = new NameReader(most);
        for (const one of names) {
          expect(read(reader, arrive(writer.label(one)))).toBe(one);
          writer.commit(one);
        }
      }),
      { numRuns: 200, seed: 8 },
    );
  });
});
