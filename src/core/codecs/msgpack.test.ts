import { ExtensionCodec, decode as libraryDecode, encode as libraryEncode } from "@msgpack/msgpack";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { codecSuite, decodeOrError, fromHex, plainValues, toHex } from "../../../test/conformance/codec.ts";
import { type Bytes, encodeText } from "../bytes.ts";
import { HARD_DECODE_LIMITS } from "./decode-limits.ts";
import { msgpackCodec } from "./msgpack.ts";

const msgpack = msgpackCodec();
const bigints = msgpackCodec({ useBigInt64: true });
const bytesOf = (length: number) => Uint8Array.from({ length }, (_, i) => i);

codecSuite("msgpack", {
  create: (limits = {}) => msgpackCodec({ limits }),
  vectors: [
    [null, "c0"],
    [false, "c2"],
    [true, "c3"],
    [127, "7f"],
    [-32, "e0"],
    [128, "cc80"],
    [256, "cd0100"],
    [65_536, "ce00010000"],
    [2 ** 53 - 1, "cf001fffffffffffff"],
    [-33, "d0df"],
    [-129, "d1ff7f"],
    [-32_769, "d2ffff7fff"],
    [-(2 ** 53) + 1, "d3ffe0000000000001"],
    [1.5, "cb3ff8000000000000"],
    ["", "a0"],
    ["é", "a2c3a9"],
    ["a".repeat(32), `d920${"61".repeat(32)}`],
    ["a".repeat(256), `da0100${"61".repeat(256)}`],
    ["a".repeat(65_536), `db00010000${"61".repeat(65_536)}`],
    [Uint8Array.of(1, 2), "c4020102"],
    [bytesOf(256), `c50100${toHex(bytesOf(256))}`],
    [[], "90"],
    [[1, [2]], "92019102"],
    [new Array(16).fill(0), `dc0010${"00".repeat(16)}`],
    [{}, "80"],
    [{ a: 1, b: { c: null } }, "82a16101a16281a163c0"],
    [new Date(1_000), "d6ff00000001"],
    [new Date(1_001), "d7ff003d090000000001"],
    [new Date(-1_000), "c70cff00000000ffffffffffffffff"],
  ],
  malformed: [
    ["c1", /type byte 0xc1/],
    ["c0c0", /1 bytes behind the value/],
    ["92c0", /more elements declared than bytes are left/],
    ["dd7fffffff", /maxElements/],
    ["dd00010000", /more elements declared/],
    ["df000000ff", /more elements declared/],
    ["92 92 00 00", /more elements declared/],
    ["dc", /bytes end inside a value/],
    ["dbffffffff", /bytes end inside a value/],
    ["c6ffffffff", /bytes end inside a value/],
    ["c9ffffffff01", /bytes end inside a value/],
    ["d4ff", /bytes end inside a value/],
    ["81 01 a161", /map key that is not a string/],
    ["81 c0 a161", /map key that is not a string/],
    ["81 c40161 00", /map key that is not a string/],
    ["81 80 00", /map key that is not a string/],
    ["81 d6ff00000001 00", /map key that is not a string/],
    ["cf0020000000000000", /integer beyond 2\^53 - 1/],
    ["cfffffffffffffffff", /integer beyond/],
    ["d30020000000000000", /integer beyond/],
    ["d3ffe0000000000000", /integer beyond/],
    ["d38000000000000000", /integer beyond/],
    ["a1ff", /not UTF-8/],
    ["a2c080", /not UTF-8/],
    ["a3eda080", /not UTF-8/],
    ["81a1ff00", /not UTF-8/],
    [`da0190${"61".repeat(399)}80`, /not UTF-8/],
    ["81a95f5f70726f746f5f5f80", /__proto__ is not allowed/],
    ["81d9095f5f70726f746f5f5fc0", /__proto__ is not allowed/],
    ["d60100000001", /extension type 1$/],
    ["d4fe00", /extension type -2$/],
    ["d5ff0000", /timestamp/],
    ["c70cff00000000001fffffffffffff", /timestamp out of range/],
  ],
  refused: [
    10n,
    Symbol("s"),
    () => 1,
    new Float64Array(1),
    new DataView(new ArrayBuffer(1)),
    new ArrayBuffer(1),
    new SharedArrayBuffer(1),
    new Map([[1, 2]]),
    new Set([1]),
    /a/,
    Promise.resolve(),
    new Date(Number.NaN),
    JSON.parse('{"__proto__":1}'),
  ],
  values: plainValues(
    fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.date({ noInvalidDate: true }),
      fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
    ),
  ),
});

describe("msgpackCodec() text", () => {
  test("turns lone surrogates into U+FFFD at any length, in keys too", () => {
    for (const length of [0, 10, 49, 60, 300]) {
      const fill = "a".repeat(length);
      expect(msgpack.decode(msgpack.encode([`${fill}\ud800`, `\udfff${fill}`, "\ud7ff", -19]))).toStrictEqual(
        [`${fill}\ufffd`, `\ufffd${fill}`, "\ud7ff", -19],
      );
      expect(msgpack.decode(msgpack.encode({ [`\udc00\ud83d${fill}`]: 1 }))).toStrictEqual({
        [`\ufffd\ufffd${fill}`]: 1,
      });
    }
  });

  test("leaves bytes alone that look like surrogates", () => {
    const value = { bytes: fromHex("a3eda080"), number: -19, ed: 0xed, text: "\ud7ff\ud800" };
    expect(msgpack.decode(msgpack.encode(value))).toStrictEqual({ ...value, text: "\ud7ff\ufffd" });
  });

  test("keeps a leading U+FEFF at any length", () => {
    for (const length of [0, 10, 30, 196, 197, 198, 250, 255, 300, 70_000]) {
      const text = `\ufeff${"a".repeat(length)}`;
      const value = { [text]: [text, 1, text, Uint8Array.of(1)], z: "\ufeff\ufeff" };
      expect(msgpack.decode(msgpack.encode(value))).toStrictEqual(value);
    }
  });

  test("agrees with the fatal TextDecoder on any string body", () => {
    const body = fc.array(fc.constantFrom(0x41, 0x80, 0xbf, 0xc3, 0xe2, 0xed, 0xef, 0xbb, 0xf0, 0x9f), {
      maxLength: 31,
    });
    const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    fc.assert(
      fc.property(body, (list) => {
        const bytes = Uint8Array.from(list);
        const result = decodeOrError(msgpack, Uint8Array.of(0xa0 + bytes.length, ...bytes));
        let expected: string | undefined;
        try {
          expected = decoder.decode(bytes);
        } catch {}
        if (expected === undefined) expect(result).toHaveProperty("error");
        else expect(result).toStrictEqual({ value: expected });
      }),
      { numRuns: 5_000 },
    );
  });
});

describe("msgpackCodec() values", () => {
  test("decode() gives binary as a view of the message, never as a Buffer", () => {
    const message = fromHex("92c4020102c403030405");
    const [first] = msgpack.decode(message) as [Uint8Array];
    expect(first.buffer).toBe(message.buffer);
    const [fromBuffer] = msgpack.decode(Buffer.from(message) as unknown as Bytes) as [Uint8Array];
    expect(fromBuffer.constructor).toBe(Uint8Array);
    expect(fromBuffer).toStrictEqual(Uint8Array.of(1, 2));
  });

  test("encode() takes Buffers as bytes and class instances as their fields", () => {
    class Point {
      x = 1;
      #y = 2;
      sum() {
        return this.x + this.#y;
      }
    }
    const value = [Buffer.from("a"), new Point(), Object.create(null), -0];
    expect(msgpack.decode(msgpack.encode(value))).toStrictEqual([encodeText("a"), { x: 1 }, {}, 0]);
  });

  test("decode() agrees with the library on all that both accept, and reads what the library writes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 24 }) as fc.Arbitrary<Bytes>, (bytes) => {
        const result = decodeOrError(msgpack, bytes);
        if ("value" in result) expect(result.value).toStrictEqual(libraryDecode(bytes));
      }),
      { numRuns: 20_000 },
    );
    fc.assert(
      fc.property(plainValues(fc.constant(null)), (value) => {
        expect(msgpack.decode(libraryEncode(value))).toStrictEqual(value);
      }),
    );
  });

  test("useBigInt64 carries 64-bit integers and refuses wider ones", () => {
    const values = [0n, -1n, 2n ** 64n - 1n, -(2n ** 63n), { a: [2n ** 63n] }, 2 ** 40, 7];
    expect(bigints.decode(bigints.encode(values))).toStrictEqual(values);
    expect(toHex(bigints.encode(1n))).toBe("cf0000000000000001");
    expect(bigints.decode(fromHex("cfffffffffffffffff"))).toBe(2n ** 64n - 1n);
    for (const wide of [2n ** 64n, -(2n ** 63n) - 1n]) {
      for (const value of [wide, [wide], { a: { b: wide } }]) {
        expect(() => bigints.encode(value)).toThrow("Cannot encode msgpack: a bigint beyond 64 bits");
      }
    }
  });
});

describe("msgpackCodec() extensions", () => {
  const extensionCodec = new ExtensionCodec();
  extensionCodec.register({
    type: 5,
    encode: (value) => (value instanceof Set ? msgpack.encode([...value]) : null),
    decode: (data) => new Set(codec.decode(data as Bytes) as unknown[]),
  });
  extensionCodec.register({
    type: 6,
    encode: () => null,
    decode: () => {
      throw new RangeError("secret");
    },
  });
  const codec = msgpackCodec({ extensionCodec });

  test("carries registered types, also one inside another call", () => {
    const value = { set: new Set([1, new Date(0)]), after: "x" };
    expect(codec.decode(codec.encode(value))).toStrictEqual(value);
    expect(() => codec.encode(new Map())).toThrow("Cannot encode msgpack: Map");
  });

  test("refuses types that are not registered, and data that its decoder refuses", () => {
    const messageOf = (hex: string) => decodeOrError(codec, fromHex(hex));
    expect(messageOf("d40700")).toHaveProperty("error.message", "Cannot decode msgpack: extension type 7");
    expect(messageOf("d405c1")).toHaveProperty("error.message", "Cannot decode msgpack: type byte 0xc1");
    expect(messageOf("d40600")).toHaveProperty(
      "error.message",
      "Cannot decode msgpack: an extension refused its data",
    );
    expect(codec.decode(codec.encode([1]))).toStrictEqual([1]);
  });
});

describe("msgpackCodec() memory", () => {
  test("decode() refuses declared elements before anything is allocated", () => {
    // 72 KB of array headers that declare 65,535 elements each (msgpackr #199).
    const headers = new Uint8Array(72_000);
    for (let i = 0; i < headers.length; i += 3) headers.set([0xdc, 0xff, 0xff], i);
    const roomy = HARD_DECODE_LIMITS;
    const before = process.memoryUsage().heapUsed;
    expect(() => msgpackCodec({ limits: roomy }).decode(headers)).toThrow(/more elements declared/);
    expect(() => msgpack.decode(headers)).toThrow(/max/);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(8 * 1_048_576);
  });

  test("encode() works after a long message and after a value whose getter throws", () => {
    const long = "x".repeat(3_000_000);
    expect(msgpack.decode(msgpack.encode(long))).toBe(long);
    const hostile = {
      get a() {
        throw new RangeError("no");
      },
    };
    expect(() => msgpack.encode([long, hostile])).toThrow(TypeError);
    expect(toHex(msgpack.encode([1]))).toBe("9101");
  });
});
