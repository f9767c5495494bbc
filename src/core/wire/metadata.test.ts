import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ARRIVALS, fromHex, toHex } from "../../../test/byte-lane.ts";
import { codeOf } from "../../../test/refusal.ts";
import { type Bytes, encodeText } from "../bytes.ts";
import { ErrorCode, type ErrorName } from "../errors.ts";
import { DEFAULT_LIMITS } from "../limits.ts";
import { decodeMetadata, encodeMetadata, MAX_IDEMPOTENCY_KEY_BYTES, type Metadata } from "./metadata.ts";
import { Cursor } from "./varint.ts";

const LIMITS = { maxMetadataBytes: 200, maxMetadataFields: 4 };

function decode(bytes: Bytes, limits = LIMITS): Metadata {
  const cursor = new Cursor(bytes);
  const metadata = decodeMetadata(cursor, limits);
  expect(cursor.at).toBe(bytes.length);
  return metadata;
}

describe("encodeMetadata()", () => {
  test("writes fields in the order of their keys, the headers last", () => {
    expect(toHex(encodeMetadata({}, LIMITS))).toBe("00");
    expect(toHex(encodeMetadata({ deadlineMs: 29.5, codec: 1, priority: 7 }, LIMITS))).toBe(
      "09" + "01011e" + "040101" + "050107",
    );
    expect(toHex(encodeMetadata({ trace: "ab" }, LIMITS))).toBe("04" + "02026162");
    expect(toHex(encodeMetadata({ headers: new Map([["k", "ü"]]) }, LIMITS))).toBe(
      "09" + "0307" + "00016b" + "0102c3bc",
    );
    const failure = { code: "ERR_APPLICATION", name: "N", message: "m", details: fromHex("ff") } as const;
    expect(toHex(encodeMetadata({ failure }, LIMITS))).toBe("0c" + "060118" + "07014e" + "08016d" + "0901ff");
    expect(toHex(encodeMetadata({ idempotencyKey: "ab", failure: { code: "ERR_AUTH" } }, LIMITS))).toBe(
      "07" + "0a026162" + "06010c",
    );
    expect(toHex(encodeMetadata({ deadlineMs: -5 }, LIMITS))).toBe("03" + "010100");
  });

  test("throws over its limits", () => {
    expect(() => encodeMetadata({ trace: "x".repeat(200) }, LIMITS)).toThrow(RangeError);
    const headers = new Map(Array.from({ length: 5 }, (_, i) => [`${i}`, ""]));
    expect(() => encodeMetadata({ headers }, LIMITS)).toThrow(RangeError);
  });

  test("takes an idempotency key of 1 to 128 bytes of UTF-8", () => {
    const longest = "ü".repeat(MAX_IDEMPOTENCY_KEY_BYTES / 2);
    expect(encodeMetadata({ idempotencyKey: longest }, LIMITS)).toHaveLength(133);
    for (const idempotencyKey of ["", `${longest}x`, "half of a pair: \ud83d"]) {
      expect(() => encodeMetadata({ idempotencyKey }, LIMITS)).toThrow(RangeError);
    }
  });
});

describe.each(ARRIVALS)("decodeMetadata(), %s", (_name, arrive) => {
  test("reads every field, and skips those it does not know", () => {
    expect(decode(arrive(fromHex("00")))).toEqual({});
    expect(decode(arrive(fromHex("0b 01011e 040101 1003ffffff"))).deadlineMs).toBe(30);
    expect(decode(arrive(fromHex("09 0307 00016b 0102c3bc"))).headers).toEqual(new Map([["k", "ü"]]));
    expect(decode(arrive(fromHex("04 0a026162"))).idempotencyKey).toBe("ab");
    expect(decode(arrive(fromHex("0c 060118 07014e 08016d 0901ff"))).failure).toEqual({
      code: "ERR_APPLICATION",
      name: "N",
      message: "m",
      details: fromHex("ff"),
    });
  });

  test("reads an unknown error code as ERR_INTERNAL, and a priority beyond 7 as 7", () => {
    expect(decode(arrive(fromHex("04 06027fff"))).failure?.code).toBe("ERR_INTERNAL");
    expect(decode(arrive(fromHex("03 050109"))).priority).toBe(7);
  });

  test("a failure without a code is none", () => {
    expect(decode(arrive(fromHex("03 07014e"))).failure).toBeUndefined();
  });

  test.each([
    ["40c9", "ERR_LIMIT", "more bytes than the limit"],
    ["05 0100", "ERR_PROTOCOL", "a block that ends behind the frame"],
    ["02 0105", "ERR_PROTOCOL", "a field that ends behind the block"],
    ["02 0100", "ERR_PROTOCOL", "a number without bytes"],
    ["04 01020101", "ERR_PROTOCOL", "a number with bytes behind it"],
    ["0f 1000100010001000100010001000 01", "ERR_LIMIT", "too many fields"],
    ["03 0201ff", "ERR_DECODE", "text that is not UTF-8"],
    ["02 0300", "ERR_PROTOCOL", "a header without a name"],
    ["05 0303 00016b", "ERR_PROTOCOL", "a header without a value"],
    ["08 0306 00016b 0101ff", "ERR_DECODE", "a header that is not UTF-8"],
    ["03 014001", "ERR_PROTOCOL", "half a field"],
    ["02 0a00", "ERR_PROTOCOL", "an empty idempotency key"],
    ["04 0a02c0af", "ERR_DECODE", "an idempotency key that is not UTF-8"],
    [`4084 0a4081${"78".repeat(129)}`, "ERR_LIMIT", "an idempotency key of 129 bytes"],
  ])("rejects %s with %s: %s", (text, code) => {
    const bytes = arrive(fromHex(text));
    expect(codeOf(() => decode(bytes))).toBe(code);
  });

  test("names that are special in JavaScript are plain entries", () => {
    const headers = new Map([
      ["__proto__", "1"],
      ["constructor", "2"],
      ["then", "3"],
    ]);
    const metadata = decode(arrive(encodeMetadata({ headers }, LIMITS)));
    expect(metadata.headers).toEqual(headers);
    expect(Object.getPrototypeOf(metadata)).toBe(Object.prototype);
  });

  test("gives back what was encoded", () => {
    const text = fc.string({ unit: "grapheme", maxLength: 40 });
    const failure = fc.record(
      {
        code: fc.constantFrom(...(Object.keys(ErrorCode) as ErrorName[])),
        name: text,
        message: text,
        details: fc.uint8Array({ maxLength: 50 }).map((bytes) => bytes.slice() as Bytes),
      },
      { requiredKeys: ["code"] },
    );
    const metadata = fc.record(
      {
        deadlineMs: fc.nat(),
        trace: text,
        codec: fc.nat(),
        priority: fc.nat(7),
        idempotencyKey: text.filter(
          (key) => key !== "" && encodeText(key).length <= MAX_IDEMPOTENCY_KEY_BYTES,
        ),
        failure,
        headers: fc.array(fc.tuple(text, text), { minLength: 1, maxLength: 10 }).map((list) => new Map(list)),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(metadata, (value) => {
        expect(decode(arrive(encodeMetadata(value, DEFAULT_LIMITS)), DEFAULT_LIMITS)).toEqual(value);
      }),
      { numRuns: 300, seed: 4 },
    );
  });

  test("answers random bytes with metadata or a ProtocolError", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 60 }), (bytes) => {
        const cursor = new Cursor(arrive(bytes.slice() as Bytes));
        codeOf(() => decodeMetadata(cursor, LIMITS));
      }),
      { numRuns: 1_000, seed: 5 },
    );
  });
});
