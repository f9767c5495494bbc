import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { codecSuite, decodeOrError, plainValues, toHex } from "../../../test/conformance/codec.ts";
import { encodeText } from "../bytes.ts";
import { json, jsonCodec } from "./json.ts";

const hex = (text: string) => toHex(encodeText(text));
const decode = (text: string) => json.decode(encodeText(text));

codecSuite("json", {
  create: jsonCodec,
  vectors: [
    [null, hex("null")],
    [-1.5, hex("-1.5")],
    ["é\n", "22c3a95c6e22"],
    ["\ud800", hex('"\\ud800"')],
    [{ a: [1, true, {}] }, hex('{"a":[1,true,{}]}')],
  ],
  malformed: [
    [hex(" "), /malformed/],
    [hex("[1,]"), /malformed/],
    [hex("]"), /malformed/],
    [hex(`${"]".repeat(300)}:`), /malformed/],
    [hex("NaN"), /malformed/],
    [hex('"a\nb"'), /malformed/],
    [hex(`"${"a".repeat(300)}`), /malformed/],
    ["22ff22", /malformed/],
    ["22c08022", /malformed/],
    ["22eda08022", /malformed/],
    ["efbbbf31", /malformed/],
  ],
  refused: [
    10n,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    Symbol("s"),
    () => 1,
    new Uint8Array(1),
    Buffer.from("a"),
    new Float64Array(1),
    new DataView(new ArrayBuffer(1)),
    new ArrayBuffer(1),
    new SharedArrayBuffer(1),
    new Map([[1, 2]]),
    new Set([1]),
    /a/,
    Promise.resolve(),
    new Error("lost"),
  ],
  values: plainValues(fc.constant("x")),
});

describe("json", () => {
  test("encode() says what to use for bytes", () => {
    expect(() => json.encode({ a: new Uint8Array(1) })).toThrow(
      "Cannot encode JSON: Uint8Array: use msgpack or raw",
    );
  });

  test("encode() calls toJSON() and takes the fields of class instances", () => {
    class Point {
      x = 1;
      y = undefined;
    }
    expect(decode('{"at":"1970-01-01T00:00:00.000Z"}')).toStrictEqual({ at: new Date(0).toJSON() });
    expect(json.decode(json.encode([new Point(), new Date(0)]))).toStrictEqual([
      { x: 1 },
      "1970-01-01T00:00:00.000Z",
    ]);
    expect(json.encode({ toJSON: () => undefined })).toHaveLength(0);
  });

  test("decode() makes __proto__ an own field, which can be encoded again", () => {
    const decoded = decode('{"__proto__":{"polluted":1},"a":{"__proto__":null}}') as Record<string, unknown>;
    expect(Object.keys(decoded)).toStrictEqual(["__proto__", "a"]);
    expect(Object.getPrototypeOf(decoded)).toBe(Object.prototype);
    expect(Object.getPrototypeOf(decoded["a"])).toBe(Object.prototype);
    expect(decoded["polluted"]).toBe(undefined);
    expect(toHex(json.encode(decoded))).toBe(hex('{"__proto__":{"polluted":1},"a":{"__proto__":null}}'));
  });

  test("decode() counts keys that are there twice, and none in strings", () => {
    const tight = jsonCodec({ maxDepth: 1, maxElements: 3, maxKeys: 2 });
    expect(tight.decode(encodeText('{"a":"[[{,:,:\\"]","b":"}]"}'))).toStrictEqual({
      a: '[[{,:,:"]',
      b: "}]",
    });
    const twice = encodeText('{"a":1,"a":2,"a":3}');
    expect(decodeOrError(tight, twice)).toHaveProperty("error.message", expect.stringContaining("maxKeys"));
  });

  test("decode() does not give a hostile text to the parser", () => {
    const parse = JSON.parse;
    let parsed = 0;
    JSON.parse = (...args) => {
      parsed++;
      return parse(...args);
    };
    try {
      for (const text of ["[".repeat(10_000_000), `[${"1,".repeat(70_000)}`, `{${'"":0,'.repeat(300)}`]) {
        expect(() => decode(text)).toThrow(/max/);
      }
    } finally {
      JSON.parse = parse;
    }
    expect(parsed).toBe(0);
  });

  test("decode() finds the end of any string", () => {
    const unit = fc.constantFrom("\\", '"', "[", "a".repeat(70), "é", "\n", ",");
    const tight = jsonCodec({ maxDepth: 1, maxElements: 2, maxKeys: 0 });
    fc.assert(
      fc.property(fc.array(unit, { maxLength: 30 }), (units) => {
        const value = [units.join(""), "]"];
        expect(tight.decode(json.encode(value))).toStrictEqual(value);
      }),
      { numRuns: 5_000 },
    );
  });

  test("decode() agrees with JSON.parse on any text inside the limits, and counts exactly", () => {
    const spaced = fc.tuple(fc.jsonValue({ maxDepth: 6 }), fc.constantFrom(0, 1, 4, "\t"));
    fc.assert(
      fc.property(spaced, ([value, space]) => {
        const text = JSON.stringify(value, undefined, space);
        const limits = measure(value);
        const bytes = encodeText(text);
        expect(jsonCodec(limits).decode(bytes)).toStrictEqual(JSON.parse(text));
        for (const [name, least] of Object.entries(limits)) {
          if (least === 0) continue;
          const result = decodeOrError(jsonCodec({ ...limits, [name]: least - 1 }), bytes);
          expect(result).toHaveProperty("error.message", expect.stringContaining(name));
        }
      }),
      { numRuns: 3_000 },
    );
  });
});

/** The plain way to count what the scan counts. */
function measure(value: unknown): { maxDepth: number; maxElements: number; maxKeys: number } {
  if (typeof value !== "object" || value === null) return { maxDepth: 0, maxElements: 0, maxKeys: 0 };
  const children = Object.values(value);
  const inside = children.map(measure);
  return {
    maxDepth: 1 + Math.max(0, ...inside.map((child) => child.maxDepth)),
    maxElements: children.length + inside.reduce((sum, child) => sum + child.maxElements, 0),
    maxKeys: Math.max(Array.isArray(value) ? 0 : children.length, ...inside.map((child) => child.maxKeys)),
  };
}
