import { expect, test } from "vitest";
import { runGolden } from "./golden.ts";

test("the golden file of the schema codec holds", () => {
  const results = runGolden();
  expect(results.length).toBeGreaterThan(70);
  expect(results.filter(({ problem }) => problem !== undefined)).toStrictEqual([]);
});
