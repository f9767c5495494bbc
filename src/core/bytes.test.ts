import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fromHex, toHex } from "../../test/conformance/codec.ts";
import { concatBytes, decodeText, detachView, EMPTY, encodeText, equalBytes } from "./bytes.ts";

describe("encodeText() and decodeText()", () => {
  test.each([
    ["", ""],
    ["aé€😀", "61c3a9e282acf09f9880"],
    ["\ufeffa", "efbbbf61"],
    ["\ud800", "efbfbd"],
  ])("encodeText(%j) gives %s", (text, hex) => {
    expect(toHex(encodeText(text))).toBe(hex);
  });

  test("decodeText() gives back any well-formed text, a leading U+FEFF included", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.boolean(), (tail, marked) => {
        const text = marked ? `\ufeff${tail}` : tail;
        expect(decodeText(encodeText(text))).toBe(text);
      }),
    );
  });

  test.each(["80", "c3", "c080", "eda080", "f4908080", "61ff"])("decodeText() refuses %s", (hex) => {
    expect(() => decodeText(fromHex(hex))).toThrow(TypeError);
    expect(decodeText(encodeText("ok")), "and nothing of it is left over").toBe("ok");
  });
});

describe("concatBytes() and equalBytes()", () => {
  const parts = fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 8 });

  test("concatBytes() joins all parts in order", () => {
    fc.assert(
      fc.property(parts, (list) => {
        const joined = concatBytes(
          list,
          list.reduce((sum, part) => sum + part.length, 0),
        );
        expect([...joined]).toStrictEqual(list.flatMap((part) => [...part]));
      }),
    );
    expect(concatBytes([], 0)).toHaveLength(0);
    expect(() => concatBytes([new Uint8Array(3)], 2)).toThrow(RangeError);
  });

  test("equalBytes() compares length and every byte", () => {
    expect(equalBytes(EMPTY, new Uint8Array(0))).toBe(true);
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1 }), fc.nat(), (bytes, position) => {
        expect(equalBytes(bytes, bytes.slice())).toBe(true);
        expect(equalBytes(bytes, bytes.subarray(1))).toBe(false);
        const changed = bytes.slice();
        const at = position % bytes.length;
        changed[at] = (changed[at] as number) ^ 1;
        expect(equalBytes(bytes, changed)).toBe(false);
      }),
    );
  });
});

describe("detachView()", () => {
  test("copies a view that uses less than a quarter of its buffer, and no other", () => {
    const record = new Uint8Array(400).fill(7);
    const small = record.subarray(10, 109);
    const large = record.subarray(10, 110);
    expect(detachView(large)).toBe(large);
    expect(detachView(small)).toStrictEqual(small);
    expect(detachView(small).buffer.byteLength).toBe(99);
    expect(detachView(EMPTY)).toBe(EMPTY);
  });
});
