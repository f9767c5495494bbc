import { ExtensionCodec } from "@msgpack/msgpack";
import suite from "msgpack-test-suite" with { type: "json" };
import { describe, expect, test } from "vitest";
import { msgpackCodec } from "../../src/core/codecs/msgpack.ts";
import { decodeOrError, fromHex, toHex } from "./codec.ts";

/** A case of the suite: a value under the name of its type, and every form that it may have. */
interface Case {
  readonly msgpack: readonly string[];
  readonly [type: string]: unknown;
}

const msgpack = msgpackCodec();
const bigints = msgpackCodec({ useBigInt64: true });

/** Registers the types of the suite: their values are their bytes. */
const registry = new ExtensionCodec();
for (const type of [1, 2, 3, 4, 5, 6, 7, 8, 16]) {
  registry.register({ type, encode: () => null, decode: (data) => data });
}
const extensions = msgpackCodec({ extensionCodec: registry });

const cases = Object.entries(suite as Readonly<Record<string, readonly Case[]>>).flatMap(([file, list]) =>
  list.map((one) => ({ file, type: Object.keys(one)[0] as string, one })),
);
const formsOf = ({ msgpack: forms }: Case) => forms.map((form) => form.replaceAll("-", ""));
const of = (...types: string[]) => cases.filter(({ type }) => types.includes(type));
const show = ({ file, one }: { file: string; one: Case }) => `${file} ${JSON.stringify(one)}`.slice(0, 80);

describe("msgpack-test-suite", () => {
  test("has all its cases, and no type that is not tested here", () => {
    expect(cases).toHaveLength(85);
    expect([...new Set(cases.map(({ type }) => type))].sort()).toStrictEqual(
      ["array", "binary", "bignum", "bool", "ext", "map", "nil", "number", "string", "timestamp"].sort(),
    );
  });

  const plain = of("nil", "bool", "number", "string", "array", "map").filter(
    ({ one }) => one["bignum"] === undefined,
  );
  test.each(plain.map((one) => [show(one), one] as const))("%s", (_, { type, one }) => {
    const forms = formsOf(one);
    for (const form of forms) expect(msgpack.decode(fromHex(form))).toStrictEqual(one[type]);
    expect(forms).toContain(toHex(msgpack.encode(one[type])));
  });

  test.each(of("binary").map((one) => [show(one), one] as const))("%s", (_, { one }) => {
    const bytes = fromHex((one["binary"] as string).replaceAll("-", ""));
    for (const form of formsOf(one)) expect(msgpack.decode(fromHex(form))).toStrictEqual(bytes);
    expect(formsOf(one)).toContain(toHex(msgpack.encode(bytes)));
  });

  // 64-bit integers are bigints where they are asked for; else those beyond 2^53 - 1 are refused, not rounded.
  const large = cases.filter(({ one }) => one["bignum"] !== undefined);
  test.each(large.map((one) => [show(one), one] as const))("%s", (_, { one }) => {
    const value = BigInt(one["bignum"] as string);
    const isSafe = value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER);
    for (const form of formsOf(one)) {
      const isInteger = form.startsWith("cf") || form.startsWith("d3");
      if (isInteger) expect(bigints.decode(fromHex(form))).toBe(value);
      const result = decodeOrError(msgpack, fromHex(form));
      if (isSafe || !isInteger) expect(result).toStrictEqual({ value: Number(value) });
      else expect(result).toHaveProperty("error.message", expect.stringMatching(/2\^53/));
    }
    expect(formsOf(one)).toContain(toHex(bigints.encode(value)));
  });

  // A timestamp is a Date, which has milliseconds: finer parts are rounded away, and what no Date can hold is refused.
  test.each(of("timestamp").map((one) => [show(one), one] as const))("%s", (_, { one }) => {
    const [seconds, nanoseconds] = one["timestamp"] as [number, number];
    const date = new Date(seconds * 1_000 + Math.floor(nanoseconds / 1e6));
    for (const form of formsOf(one)) {
      const result = decodeOrError(msgpack, fromHex(form));
      if (Number.isNaN(date.getTime())) expect(result).toHaveProperty("error");
      else
        expect(Math.abs(Number("value" in result && result.value) - date.getTime())).toBeLessThanOrEqual(1);
    }
    const exact = nanoseconds % 1e6 === 0 && !Number.isNaN(date.getTime());
    if (exact) expect(formsOf(one)).toContain(toHex(msgpack.encode(date)));
  });

  // Extensions are refused unless somebody has registered their type.
  test.each(of("ext").map((one) => [show(one), one] as const))("%s", (_, { one }) => {
    const [type, hex] = one["ext"] as [number, string];
    for (const form of formsOf(one)) {
      const refusal = expect.stringMatching(new RegExp(`extension type ${type}$`));
      expect(decodeOrError(msgpack, fromHex(form))).toHaveProperty("error.message", refusal);
      expect(extensions.decode(fromHex(form))).toStrictEqual(fromHex(hex.replaceAll("-", "")));
    }
  });
});
