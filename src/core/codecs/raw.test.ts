import { expect, test } from "vitest";
import { rawCodec } from "./raw.ts";

test("rawCodec gives the same bytes both ways", () => {
  const bytes = Uint8Array.of(1, 2, 3);
  expect(rawCodec.name).toBe("raw");
  expect(rawCodec.encode(bytes)).toBe(bytes);
  expect(rawCodec.decode(bytes)).toBe(bytes);
  expect(rawCodec.decode(rawCodec.encode(new Uint8Array(0)))).toHaveLength(0);
});

test.each([
  undefined,
  null,
  "text",
  1,
  [1],
  new ArrayBuffer(1),
  new DataView(new ArrayBuffer(1)),
  new Uint16Array(1),
])("rawCodec.encode() refuses %s", (value) => {
  expect(() => rawCodec.encode(value as never)).toThrow(new TypeError("Cannot encode raw: not a Uint8Array"));
});
