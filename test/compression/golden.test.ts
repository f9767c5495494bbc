import { expect, it } from "vitest";
import { checkGolden } from "../runtimes/suite/golden.ts";
import golden from "../vectors/compression.json" with { type: "json" };
import { implementations } from "./implementations.ts";
import { makeInput } from "./inputs.ts";

it("golden files are read by every implementation", async () => {
  const all = await implementations();
  for (const { name, compressor, kind, length, base64 } of golden)
    for (const { by, compressor: reader } of all.filter((one) => one.compressor.name === compressor)) {
      const bytes = reader.expand(new Uint8Array(Buffer.from(base64, "base64")), length);
      expect(Buffer.compare(bytes, makeInput(kind, length, 1)), `${name}, read by ${by}`).toBe(0);
    }
});

it("golden files are of every compressor, by every implementation", () => {
  const count = (compressor: string) => golden.filter((entry) => entry.compressor === compressor).length;
  expect([count("lz4"), count("deflate"), count("zstd")]).toEqual([28, 21, 14]);
});

it("golden files are read as the runtimes read them", async () => {
  const { right, wrong } = await checkGolden();
  expect(wrong).toEqual([]);
  expect(right["lz4"]).toBe(56);
  expect(right["deflate"]).toBe(42);
});
