import { describe, expect, test } from "vitest";
import { identityOf } from "./identity.ts";

describe("identityOf()", () => {
  test("tells types and values apart", () => {
    const principals = [undefined, null, "", "1", 1, 1n, true, "true", { id: 1 }, { id: "1" }, [1], "null"];
    const identities = principals.map(identityOf);
    expect(new Set(identities).size).toBe(principals.length);
    expect(identities).not.toContain(undefined);
    expect(identityOf({ id: 1 })).toBe(identityOf({ id: 1 }));
  });

  test("knows what it cannot tell apart", () => {
    const circle: Record<string, unknown> = {};
    circle["self"] = circle;
    for (const principal of [circle, { id: 1n }, new Map([["a", 1]]), {}, Symbol("a"), () => {}]) {
      expect(identityOf(principal)).toBeUndefined();
    }
    expect(identityOf({ toJSON: () => undefined })).toBeUndefined();
  });
});
