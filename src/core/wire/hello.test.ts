import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ARRIVALS, fromHex, toHex } from "../../../test/byte-lane.ts";
import type { Bytes } from "../bytes.ts";
import { ProtocolError } from "../errors.ts";
import { decodeHello, encodeHello, type Hello } from "./hello.ts";

const LEAST: Hello = {
  maxFrameBytes: 4_096,
  maxMessageBytes: 1,
  streamWindowBytes: 1,
  sessionWindowBytes: 1,
  maxStreams: 0,
  maxDatagramBytes: 0,
  keepAliveMs: 0,
  codecs: [],
};
const LEAST_HEX = "01 01025000 020101 030101 040101 050100 060100 070100";

function codeOf(bytes: Bytes): string {
  try {
    decodeHello(bytes);
  } catch (error) {
    if (error instanceof ProtocolError) return error.code;
    throw error;
  }
  return "none";
}

describe("encodeHello()", () => {
  test("writes the version and the fields", () => {
    expect(toHex(encodeHello(LEAST, LEAST))).toBe(LEAST_HEX.replaceAll(" ", ""));
    const full = {
      ...LEAST,
      codecs: ["raw", "json"],
      sessionId: fromHex("0102"),
      token: fromHex("ff"),
      agent: "a",
    };
    expect(toHex(encodeHello(full, full))).toBe(
      `${LEAST_HEX} 0803726177 08046a736f6e 09020102 0a01ff 0b0161`.replaceAll(" ", ""),
    );
  });

  test("throws when the body is longer than a HELLO may be", () => {
    const room = 4_096 - encodeHello({ ...LEAST, token: new Uint8Array(100) }, LEAST).length + 100;
    expect(encodeHello({ ...LEAST, token: new Uint8Array(room) }, LEAST).length).toBe(4_096);
    expect(() => encodeHello({ ...LEAST, token: new Uint8Array(room + 1) }, LEAST)).toThrow(RangeError);
  });
});

describe.each(ARRIVALS)("decodeHello(), %s", (_name, arrive) => {
  test("reads the fields and ignores unknown ones, key 0 too", () => {
    expect(decodeHello(arrive(fromHex(LEAST_HEX)))).toEqual(LEAST);
    expect(decodeHello(arrive(fromHex(`${LEAST_HEX} 3c03aabbcc 0002ffff 404000`)))).toEqual(LEAST);
  });

  test.each([
    ["02", "ERR_VERSION", "another version"],
    ["4001", "ERR_PROTOCOL", "a version that is not shortest"],
    ["01", "ERR_PROTOCOL", "nothing but a version"],
    [LEAST_HEX.replace("01025000", "01024fff"), "ERR_PROTOCOL", "a frame limit below the least"],
    [LEAST_HEX.replace("020101", "020100"), "ERR_PROTOCOL", "a message limit of 0"],
    [LEAST_HEX.replace("030101", "0308c000000080000000"), "ERR_PROTOCOL", "a window above 2^31 - 1"],
    [LEAST_HEX.replace("070100", "07020000"), "ERR_PROTOCOL", "a number with bytes behind it"],
    [`${LEAST_HEX} 0802c328`, "ERR_DECODE", "a codec that is not UTF-8"],
    [`${LEAST_HEX} 0805`, "ERR_PROTOCOL", "a field that ends behind the frame"],
  ])("rejects %s with %s: %s", (text, code) => {
    expect(codeOf(arrive(fromHex(text)))).toBe(code);
  });

  test("rejects every shorter prefix", () => {
    const bytes = fromHex(LEAST_HEX);
    for (let length = 1; length < bytes.length; length++)
      expect(codeOf(arrive(bytes.slice(0, length)))).toBe("ERR_PROTOCOL");
  });

  test("gives back what was encoded", () => {
    const number = fc.integer({ min: 4_096, max: 2 ** 31 - 1 });
    const bytes = fc.uint8Array({ maxLength: 300 }).map((value) => value.slice() as Bytes);
    const hello = fc.record(
      {
        maxFrameBytes: number,
        maxMessageBytes: number,
        streamWindowBytes: number,
        sessionWindowBytes: number,
        maxStreams: number,
        maxDatagramBytes: number,
        keepAliveMs: number,
        codecs: fc.array(fc.string({ unit: "grapheme", maxLength: 10 }), { maxLength: 5 }),
        sessionId: bytes,
        token: bytes,
        agent: fc.string({ unit: "grapheme", maxLength: 20 }),
      },
      {
        requiredKeys: [
          "maxFrameBytes",
          "maxMessageBytes",
          "streamWindowBytes",
          "sessionWindowBytes",
          "maxStreams",
          "maxDatagramBytes",
          "keepAliveMs",
          "codecs",
        ],
      },
    );
    fc.assert(
      fc.property(hello, (value) => {
        expect(decodeHello(arrive(encodeHello(value, value)))).toEqual(value);
      }),
      { numRuns: 200, seed: 6 },
    );
  });

  test("answers random bytes behind a right version with a ProtocolError", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        expect(codeOf(arrive(new Uint8Array([1, ...bytes])))).not.toBe("none");
      }),
      { numRuns: 1_000, seed: 7 },
    );
  });
});
