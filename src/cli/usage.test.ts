import { describe, expect, it } from "vitest";
import { onlyUrl, parseCount, parseDuration, parseSize, UsageError } from "./usage.ts";

describe("parseDuration()", () => {
  it("reads a number with its unit, and seconds without one", () => {
    expect(parseDuration("duration", "500ms")).toBe(500);
    expect(parseDuration("duration", "1.5s")).toBe(1_500);
    expect(parseDuration("duration", "2m")).toBe(120_000);
    expect(parseDuration("duration", "10")).toBe(10_000);
  });

  for (const text of ["", "0", "-1s", "1d", "s", "1e3", "1ms2", "1 toString", "1constructor"]) {
    it(`refuses ${JSON.stringify(text)}`, () =>
      expect(() => parseDuration("drain", text)).toThrow(UsageError));
  }
});

describe("parseSize()", () => {
  it("reads bytes, kibibytes and mebibytes", () => {
    expect(parseSize("size", "64")).toBe(64);
    expect(parseSize("size", "4k")).toBe(4_096);
    expect(parseSize("size", "1MiB")).toBe(1_048_576);
  });
});

describe("parseCount()", () => {
  it("keeps its bounds", () => {
    expect(parseCount("count", "10", 10)).toBe(10);
    for (const text of ["0", "11", "1.5", "0x5", ""])
      expect(() => parseCount("count", text, 10)).toThrow(UsageError);
  });
});

describe("onlyUrl()", () => {
  it("asks for one, and no more", () => {
    expect(onlyUrl(["ws://a"])).toBe("ws://a");
    expect(() => onlyUrl([])).toThrow(UsageError);
    expect(() => onlyUrl(["ws://a", "ws://b"])).toThrow("Cannot use argument ws://b");
  });
});
