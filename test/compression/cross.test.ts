import { describe, expect, it } from "vitest";
import { compressed } from "../conformance/compressor.ts";
import { implementations } from "./implementations.ts";
import { inputOf } from "./inputs.ts";
import { hasProgram, TOOLS } from "./tools.ts";

/** Inputs that every pair is tried with. */
const INPUTS = Number(process.env["TIDEWAY_CROSS_INPUTS"] ?? 10_000);
const CHUNK = 1_000;
const MS = 900_000;

const sources = Array.from({ length: INPUTS }, (_, index) => inputOf(index).bytes);
const all = await implementations();

/** Whether two lists of bytes are the same; names the first difference. */
function expectSame(found: readonly Uint8Array[], what: string): void {
  expect(found.length).toBe(sources.length);
  const at = found.findIndex((bytes, i) => Buffer.compare(bytes, sources[i] as Uint8Array) !== 0);
  expect(at, `${what}: the first input that differs`).toBe(-1);
}

for (const name of ["lz4", "deflate", "zstd"]) {
  const ours = all.filter(({ compressor }) => compressor.name === name);
  const tool = TOOLS.find(({ compressor }) => compressor === name)!;

  describe(`${INPUTS} inputs, ${name}`, () => {
    const blocks = new Map<string, Uint8Array[]>();
    for (const { by, compressor } of ours)
      it(
        `by ${by}, read by every other`,
        () => {
          const written = sources.map((source) => compressed(compressor, source));
          blocks.set(by, written);
          for (const { by: reader, compressor: expander } of ours)
            expectSame(
              written.map((block, i) => expander.expand(block, (sources[i] as Uint8Array).length)),
              `written by ${by}, read by ${reader}`,
            );
        },
        MS,
      );

    it.skipIf(!hasProgram(tool.program))(
      `are read by ${tool.program}`,
      () => {
        const whole = Buffer.concat(sources);
        for (const [by, written] of blocks)
          expect(Buffer.compare(tool.expand(written, sources), whole), `written by ${by}`).toBe(0);
      },
      MS,
    );

    it.skipIf(!hasProgram(tool.program))(
      `are written by ${tool.program}`,
      () => {
        const written: Uint8Array[] = [];
        for (let at = 0; at < INPUTS; at += CHUNK)
          written.push(...tool.compress(sources.slice(at, at + CHUNK)));
        for (const { by, compressor } of ours)
          expectSame(
            written.map((block, i) => compressor.expand(block, (sources[i] as Uint8Array).length)),
            `read by ${by}`,
          );
      },
      MS,
    );
  });
}
