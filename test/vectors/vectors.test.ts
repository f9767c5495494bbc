import { describe, expect, it } from "vitest";
import { type Frame, TYPES } from "./frame-names.ts";
import { FILES, load } from "./vectors.ts";

describe("the vectors", () => {
  const vectors = FILES.flatMap((file) => load<object>(file));

  it("are many, and each name stands once", () => {
    expect(vectors.length).toBeGreaterThan(200);
    expect(new Set(vectors.map(({ name }) => name)).size).toBe(vectors.length);
  });

  it("are lower-case hex, with their meaning", () => {
    for (const { hex, meaning } of vectors) {
      expect(hex).toMatch(/^(?:[0-9a-f]{2})*$/);
      expect(meaning).not.toBe("");
    }
  });

  it("have every frame type", () => {
    const types = load<{ frames?: readonly Frame[] }>("frames").flatMap(({ frames }) => frames ?? []);
    const seen = new Set(types.map(({ type }) => type));
    const missing = Object.keys(TYPES).filter((type) => !seen.has(type as Frame["type"]));
    expect(missing).toEqual([]);
  });
});
