import { expect, test } from "vitest";
import { runHostile } from "./hostile.ts";

const results = runHostile();

test.each(results)("$name", ({ problem }) => {
  expect(problem).toBe(undefined);
});

test("the corpus has cases of every threat, for every codec", () => {
  for (const row of ["T17", "T18", "T19", "T20", "T21", "T23", "syntax"]) {
    for (const codec of ["json", "msgpack", "schema"]) {
      const found = results.filter(({ name }) => name.startsWith(codec) && name.includes(` ${row}: `));
      expect(found.length, `${codec} ${row}`).toBeGreaterThan(0);
    }
  }
});
