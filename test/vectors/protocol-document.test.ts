import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { HARD_DECODE_LIMITS, resolveDecodeLimits } from "../../src/core/codecs/decode-limits.ts";
import { ErrorCode } from "../../src/core/errors.ts";
import { DEFAULT_LIMITS, HARD_LIMITS, MAX_WINDOW_BYTES, resolveLimits } from "../../src/core/limits.ts";
import { DEFAULT_RESUME_LIMITS, MOST_RESUME_LIMITS } from "../../src/core/resume/resume-registry.ts";
import { TYPES } from "./frame-names.ts";
import { FILES, load } from "./vectors.ts";

describe("docs/protocol.md", () => {
  const document = readFileSync(join(import.meta.dirname, "../../docs/protocol.md"), "utf8");
  const vectors = FILES.flatMap((file) => load<object>(file));
  /** Rows of the tables whose first cell is `head`, as cells. */
  const rows = (head: string): string[][] => {
    const [, table = ""] = document.split(new RegExp(`^\\| ${head} \\|.*\\n\\|[-|: ]+\\|\\n`, "m"));
    const lines = table.split("\n");
    const end = lines.findIndex((line) => !line.startsWith("|"));
    return lines.slice(0, end).map((line) =>
      line
        .slice(1, -1)
        .split("|")
        .map((cell) => cell.trim()),
    );
  };
  const number = (cell: string): number => Number(cell.replaceAll(",", ""));

  it("shows only bytes that are in the vectors", () => {
    const known = new Set(vectors.map(({ hex }) => hex));
    const shown = [...document.matchAll(/^```hex\n([\s\S]*?)^```$/gm)].map(([, block = ""]) =>
      block.replaceAll(/#.*$/gm, "").replaceAll(/\s/g, ""),
    );
    expect(shown.length).toBeGreaterThan(20);
    expect(shown.filter((hex) => !known.has(hex))).toEqual([]);
  });

  it("lists every frame type", () => {
    const listed = rows("type").map(([type, name]) => [name, number(type ?? "")]);
    expect(Object.fromEntries(listed)).toEqual(TYPES);
  });

  it("lists every error", () => {
    const listed = rows("number").map(([code, name = ""]) => [name.replaceAll("`", ""), number(code ?? "")]);
    expect(Object.fromEntries(listed)).toEqual(ErrorCode);
  });

  it("lists every limit with its default and its hard limit", () => {
    const hard: Record<string, number> = { ...HARD_LIMITS, ...HARD_DECODE_LIMITS };
    const expected = Object.entries({ ...DEFAULT_LIMITS, ...DEFAULT_LIMITS.decode }).flatMap(
      ([name, value]) => (typeof value === "number" ? [[name, value, hard[name] ?? MAX_WINDOW_BYTES]] : []),
    );
    const listed = rows("limit").map(([name = "", value = "", , most = ""]) => [
      name.replaceAll("`", ""),
      number(value),
      most === "2^31-1" ? MAX_WINDOW_BYTES : number(most),
    ]);
    expect(listed.sort()).toEqual(expected.sort());
  });

  it("lists what bounds detached sessions", () => {
    const most = (cell: string) => (cell === "2^53-1" ? Number.MAX_SAFE_INTEGER : number(cell));
    const listed = rows("of detached sessions").map(([name = "", value = "", hard = ""]) => [
      name.replaceAll("`", ""),
      [number(value), most(hard)],
    ]);
    const names = Object.keys(DEFAULT_RESUME_LIMITS) as (keyof typeof DEFAULT_RESUME_LIMITS)[];
    expect(listed).toEqual(
      names.map((name) => [name, [DEFAULT_RESUME_LIMITS[name], MOST_RESUME_LIMITS[name]]]),
    );
  });

  it("lists the least value of every limit", () => {
    for (const [cell = "", , leastCell = ""] of rows("limit")) {
      const name = cell.replaceAll("`", "");
      const least = number(leastCell);
      const resolve = name in HARD_DECODE_LIMITS ? resolveDecodeLimits : resolveLimits;
      expect(() => resolve({ [name]: least }), `${name} ${least}`).not.toThrow();
      expect(() => resolve({ [name]: least - 1 }), `${name} ${least - 1}`).toThrow(RangeError);
    }
  });
});
