import { join } from "node:path";
import { expect, it } from "vitest";
import { weighPage } from "../../scripts/check/bundle-budget.mjs";
import { ROOT } from "../../scripts/paths.mjs";

it("weighPage() names the packages that a page takes in", async () => {
  const { gzipBytes, rawBytes, inputs } = await weighPage(`export { Encoder } from "@msgpack/msgpack";`);
  expect(inputs.some((path) => path.includes("msgpack"))).toBe(true);
  expect(gzipBytes).toBeGreaterThan(1000);
  expect(gzipBytes).toBeLessThan(rawBytes);
});

it("weighPage() leaves out what the page does not use", async () => {
  const file = JSON.stringify(join(ROOT, "src/core/wire/varint.ts"));
  const { inputs } = await weighPage(`import * as varint from ${file}; console.log(1);`);
  expect(inputs).toEqual(["<stdin>"]);
});
